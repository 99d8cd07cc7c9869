"""The options of `harness run` that no other command has: what to measure, and where to save it."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import parsing, placement_parsing, program_options, quantity_options
from harness.cli.budget_options import BUDGET
from harness.cli.option_checks import check_seed, checked, checked_list, named
from harness.cli.options import OUTPUT, WHAT

Threads = Annotated[
    str,
    typer.Option(
        "--threads",
        "-t",
        callback=checked(placement_parsing.parse_thread_axis),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="Thread counts, comma separated; auto: 1, 2, 4, ... and as many as the placement has cores.",
    ),
]
Cores = Annotated[
    list[str] | None,
    typer.Option(
        "--cores",
        callback=checked_list(placement_parsing.parse_placements),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="Cores to run on, each measured separately: little, big, prime, all, comma separated, or a CPU"
        " list such as 4-7 or 0-3,6. Repeat the option for several CPU lists.",
    ),
]
Programs = Annotated[
    list[str] | None,
    typer.Option(
        "--program",
        callback=checked_list(program_options.parse_programs),
        metavar="FILES",
        rich_help_panel=WHAT,
        help="Measure your own ExecuTorch programs (.pte) instead of the network, comma separated: any inputs"
        " and outputs, XNNPACK or portable kernels. Their outputs are compared with this machine's.",
    ),
]
Methods = Annotated[
    str | None,
    typer.Option(
        "--method",
        callback=checked(program_options.parse_methods),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="Methods of --program, each measured separately; default all that the file has.",
    ),
]
ProgramInputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        callback=checked_list(program_options.parse_inputs),
        metavar="FILES",
        rich_help_panel=WHAT,
        help="Arrays (.npy, .npz) that --program is fed with, in its order or named input_0, input_1, ...;"
        " default seeded ones.",
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(
        "--rate",
        callback=checked(placement_parsing.parse_rates),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="Inferences a second, as a camera asks for them, each rate measured separately: 15,30."
        " By default one inference follows the other. Not on an emulator.",
    ),
]
XnnpackOptions = Annotated[
    str,
    typer.Option(
        "--backend-options",
        callback=checked(placement_parsing.parse_backend_options),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="XNNPACK's options, each measured separately: default, weight-cache, packed-cache (a file of"
        " packed weights, for later launches), workspace-per-model, workspace-unshared.",
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="DIR",
        rich_help_panel=WHAT,
        help="Run folder whose programs of the same variants are measured again in the same rounds, so that a"
        " change of the device affects both equally; the run ends with the result of `harness compare DIR`.",
    ),
]
AnyOf = Annotated[
    list[str] | None,
    typer.Option(
        "--any-of",
        callback=checked_list(parsing.parse_any_of),
        metavar="NAMES",
        rich_help_panel=WHAT,
        help="Devices of one model, with --lab: each variant is measured on whichever is free, the first on"
        " all of them, which shows how much they differ; one answer is given for all.",
    ),
]
Margin = Annotated[
    str | None,
    typer.Option(
        callback=named(quantity_options.parse_margin),
        metavar="SHARE",
        rich_help_panel=WHAT,
        help="With --against: increase of latency that still counts as no worse, default 3%. If given, also"
        " of instructions.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        callback=check_seed,
        metavar="N",
        rich_help_panel=WHAT,
        help="Seed of the random weights and of the order of measurement.",
    ),
]
ProfileOperators = Annotated[
    bool,
    typer.Option("--profile", rich_help_panel=WHAT, help="Also time each operator, in a separate process."),
]
Cold = Annotated[
    bool,
    typer.Option(
        "--cold",
        rich_help_panel=WHAT,
        help="Also time start-up with nothing of the program and the runtime's libraries in memory, in"
        " separate processes; budgets then limit that start-up.",
    ),
]
Sustain = Annotated[
    str | None,
    typer.Option(
        "--sustain",
        callback=checked(quantity_options.parse_sustain),
        metavar="DURATION",
        rich_help_panel=WHAT,
        help="Also run each cell back to back for this long, such as 10m, in one process after all others,"
        " from a cool device: first speed, plateau, first drop and which reading fell then. From 60s to 4h,"
        " not on an emulator. Without --max-temp it begins at 45 °C or less on a phone, 60 °C elsewhere.",
    ),
]
Energy = Annotated[
    bool,
    typer.Option(
        "--energy",
        rich_help_panel=WHAT,
        help="Also measure the energy of an inference, in one process of 60 s between windows of 45 s: by"
        " the device's power rails, its power chip, a sensor on the board, or its battery when unplugged."
        " harness doctor names what a device has. Not on an emulator.",
    ),
]
PowerCommand = Annotated[
    str | None,
    typer.Option(
        "--power-command",
        callback=checked(parsing.parse_power_command),
        metavar="COMMAND",
        rich_help_panel=WHAT,
        help="With --energy: read power from this program instead. Started without a shell, it prints"
        " lines of <unix_ns> <watts>. One device only. Not saved: give it again to --resume.",
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        rich_help_panel=OUTPUT,
        help="Run folder to write; default results/<UTC time>-<short id>.",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume", metavar="DIR", rich_help_panel=OUTPUT, help="Continue the run in this run folder."
    ),
]
FailOnVerdict = Annotated[
    str | None,
    typer.Option(
        callback=checked(parsing.parse_fail_on),
        metavar="suspect|invalid",
        rich_help_panel=OUTPUT,
        help="End with exit code 1 also if the verdict of a cell is this bad: suspect means suspect or"
        " invalid. By default only failed cells and wrong outputs end with 1. Cells of an emulator are"
        " always suspect.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        rich_help_panel=OUTPUT,
        help="Print the plan of the run with an estimate of its time, and stop: no device is touched, no"
        " folder is made, nothing is lowered.",
    ),
]
SearchOnly = Annotated[
    bool,
    typer.Option(
        "--search",
        rich_help_panel=BUDGET,
        help="Measure only what decides which variant is the most accurate within the budget, by published"
        " accuracy; of --weights, whose accuracies are measured later, all that the budget does not rule out."
        " Without it, all are measured.",
    ),
]
