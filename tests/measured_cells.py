"""What holds for the cells that a whole run measured, as its JSON has them."""

from typing import Any


def check_cell(cell: dict[str, Any], processes: int = 2) -> None:
    """What holds for every measured cell, whatever the device."""
    assert cell["failure"] is None
    assert cell["parity"]["passed"]
    assert cell["parity"]["top1_agrees"]
    assert len(cell["processes"]) == processes
    assert cell["artifact"]["delegates"] == 1
    assert cell["artifact"]["undelegated_nodes"] == []
    assert cell["memory"]["peak_rss_bytes"] > cell["memory"]["artifact_bytes"]
    for process in cell["processes"]:
        assert process["build_type"] == "Release"
        assert process["threads_used"] == cell["plan"]["threads"]
        timed = len(process["latencies_ns"]) + process["warmup_cut"]
        assert timed >= cell["plan"]["min_iterations"]
        assert len(process["warmup_ns"]) >= cell["plan"]["warmup_iterations"]
