"""The error tree.

    HarnessError                 exit code 1: ran and failed
    ├── UsageError               2: wrong usage or bad input, before anything is touched
    │   └── WrongOptions            several errors in one command line
    ├── LoweringError            1: a variant could not be lowered
    ├── BundleError              1: the runner could not be built or imported
    │   └── NotABundle              2: the file to import is no exported bundle, or a damaged one
    ├── MeasurementError         1: a cell could not be measured
    │   ├── RunnerFailed            the runner ended with an error or a signal
    │   └── ReportRejected          the device's report is not what the runner writes
    ├── Interrupted              130: the user stopped it; what was measured is saved
    ├── Defect                   1: a fault of the harness itself, to be reported to its authors
    └── DeviceError              4: device unreachable or unfit
        ├── TransportError
        │   ├── ConnectionLost      transient: the same call may succeed on a new connection
        │   ├── TimedOut            transient: the device was silent for too long
        │   ├── TransferFailed      permanent: the device refused the file, with its reason
        │   ├── TooMuchOutput       permanent: a command printed more than it can have to say
        │   └── CommandFailed       permanent: a remote command ended with a non-zero exit code
        └── DeviceUnfit             permanent: ABI, space, permissions, state
            └── DeviceBusy              another harness uses the device

Foreign exceptions are translated once, where they enter, with `from`.
"""

LONGEST_TEXT = 4000


def _shortened(text: str) -> str:
    """No longer than a person reads: a list in a file from elsewhere may have a million items."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} …"


class HarnessError(Exception):
    """One readable block: what happened, to which device and variant, and a hint; long texts are cut."""

    exit_code = 1

    def __init__(self, what: str, *, hint: str = "", device: str = "", variant: str = "") -> None:
        self.what = _shortened(what)
        super().__init__(self.what)
        self.hint = _shortened(hint)
        self.device = device
        self.variant = variant

    def add_subject(self, *, device: str = "", variant: str = "") -> None:
        """Name the device and the variant where the error names none: its cause may not know them."""
        self.device = self.device or device
        self.variant = self.variant or variant

    def name_device(self, address: str, name: str) -> None:
        """Name the device where the error has its address, which is all that a transport knows."""
        if self.device and self.device == address:
            self.device = name

    def add_hint(self, hint: str) -> None:
        """Add what else to do about it."""
        self.hint = _shortened("; ".join(filter(None, (self.hint, hint))))

    def reword(self, what: str, *, hint: str) -> None:
        """Put other words in the place of its own."""
        self.what, self.hint = _shortened(what), _shortened(hint)

    @property
    def subject(self) -> str:
        """The device and the variant, where there are any."""
        return ", ".join(
            f"{label} {name}" for label, name in (("device", self.device), ("variant", self.variant)) if name
        )

    def __str__(self) -> str:
        lines = [f"{self.what}" + (f" ({self.subject})" if self.subject else "")]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UsageError(HarnessError):
    """Wrong usage or bad input; raised before anything is touched."""

    exit_code = 2


class WrongOptions(UsageError):
    """Several errors in one command line; `causes` has each."""

    def __init__(self, causes: "tuple[HarnessError, ...]") -> None:
        hints = dict.fromkeys(cause.hint for cause in causes if cause.hint)
        super().__init__(
            f"the command line has {len(causes)} errors: " + "; ".join(cause.what for cause in causes),
            hint="; ".join(hints),
        )
        self.causes = causes


class LoweringError(HarnessError):
    """A variant could not be lowered to one fully delegated program."""


class BundleError(HarnessError):
    """The runner bundle for an ABI could not be built, exported or imported."""


class NotABundle(BundleError):
    """A file to import is damaged or no exported bundle: bad input."""

    exit_code = 2


class MeasurementError(HarnessError):
    """A cell could not be measured."""


class RunnerFailed(MeasurementError):
    """The runner ended with an error or was killed."""


class ReportRejected(MeasurementError):
    """A device's report is not what the runner writes: untrusted input, refused whole."""


class Interrupted(HarnessError):
    """The user stopped the run; every cell measured so far is saved."""

    exit_code = 130


class Defect(HarnessError):
    """A fault of the harness itself: an exception that nothing else explains."""


class DeviceError(HarnessError):
    """The device cannot be used."""

    exit_code = 4


class TransportError(DeviceError):
    """Talking to the device failed."""


class ConnectionLost(TransportError):
    """Transient: the connection broke; the command may or may not have run."""


class TimedOut(TransportError):
    """Transient: no answer within the time-out; the remote command may still run."""


class TransferFailed(TransportError):
    """Permanent: the device refused to store or send a file."""


class TooMuchOutput(TransportError):
    """A command printed more than it can have to say; it would again, so it is not repeated."""


class CommandFailed(TransportError):
    """Permanent: a remote command ended with a non-zero exit code."""

    def __init__(
        self, argv: tuple[str, ...], exit_code: int, stdout: bytes, stderr: bytes, *, device: str = ""
    ) -> None:
        output = (stderr or stdout).decode("utf-8", "replace").strip()[-500:]
        super().__init__(
            f"{argv[0]!r} ended with exit code {exit_code}" + (f": {output!r}" if output else ""),
            device=device,
        )
        self.argv = argv
        self.remote_exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr


class DeviceUnfit(DeviceError):
    """Permanent: the device can be reached, but cannot do this job."""


class DeviceBusy(DeviceUnfit):
    """Another harness uses the device, and kept it for longer than was waited."""
