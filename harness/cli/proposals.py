"""What `pick --include-predicted` adds to its answers."""

from typing import TYPE_CHECKING

from harness.cli.application import show

if TYPE_CHECKING:
    from harness.analysis.proposal import NoProposal, Proposal
    from harness.analysis.selection import Selection
    from harness.cli.answers import RunsByFolder

    Proposals = dict[str, Proposal | NoProposal]


def find_proposals(chosen: "Selection", runs: "RunsByFolder") -> "Proposals":
    """For each device the predicted variant that is better than its answer, or why there is none.

    Nothing is predicted from cells of several devices: how these differ would pass for what variants cost.
    """
    from harness.analysis.machines import cells_of_runs
    from harness.analysis.prediction import predict_grids
    from harness.analysis.proposal import NoProposal, propose
    from harness.analysis.uncounted_cells import without_repeated

    grids = predict_grids(cells_of_runs(without_repeated([members for _, members in runs.values()])))
    pooled = NoProposal("nothing is predicted for a pool; harness predict does for each of its devices")
    return {
        answer.device.name: pooled if answer.pool else propose(answer, grids, chosen.budget)
        for answer in chosen.answers
    }


def show_proposals(proposals: "Proposals") -> None:
    """Print a block for each device, apart from what was measured."""
    if proposals:
        from harness.analysis.proposal import describe_proposals

        show(f"\n{describe_proposals(proposals)}")


def proposals_document(proposals: "Proposals") -> list[dict[str, object]]:
    """A document for each proposal, by device."""
    from harness.analysis.proposal import Proposal
    from harness.cli.predict import prediction_document

    return [
        {
            "device": device,
            **prediction_document(one.prediction, one.prediction.device.name),
            "top1_published": one.top1,
            "gain_pp": one.gain_pp,
        }
        for device, one in proposals.items()
        if isinstance(one, Proposal)
    ]
