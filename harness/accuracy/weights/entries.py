"""Which entry of a training checkpoint holds the weights: averaged ones (EMA) before raw ones."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.accuracy.weights.torch_pickle import Opaque, StoredTensor
from harness.errors import UsageError
from harness.system.text import excerpt

# Keys under which training scripts save a state dict, the likeliest first.
_RAW = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params", "shadow")
# timm: state_dict_ema; ConvNeXt: model_ema; others: ema, ema_state_dict, model_ema_state_dict, params_ema.
_AVERAGED = re.compile(r"(^|[_.\-/])ema([_.\-/]|$)", re.IGNORECASE)
_DEEPEST = 3


@dataclass(frozen=True)
class Choice:
    """The chosen state dict, its entry in the file (None: the file is the state dict), and what to report."""

    state: Mapping[str, StoredTensor]
    entry: str | None
    remarks: tuple[str, ...] = ()


def is_averaged(name: str) -> bool:
    """Whether an entry or a prefix is named as an exponential moving average."""
    return _AVERAGED.search(name) is not None


def choose_state(content: object, file_name: str) -> Choice:
    """The weights among the entries of a checkpoint.

    Raises:
        UsageError: no entry is a state dict.
    """
    state = _state(content)
    if state is not None:
        return Choice(state, None)
    entries = dict(_entries(content, "", 0))
    if not entries:
        if _has_objects(content):
            raise UsageError(
                f"{file_name} is refused: the file holds more than tensors, and loading it could run code",
                hint="save only `model.state_dict()`, best as safetensors",
            )
        raise UsageError(f"{file_name} holds no state dict", hint="save `model.state_dict()`")
    averaged = [name for name in entries if is_averaged(name)]
    chosen = averaged[0] if averaged else next(iter(entries))
    return Choice(entries[chosen], chosen, tuple(describe_choice(file_name, chosen, entries)))


def describe_choice(file_name: str, chosen: str, entries: Mapping[str, object]) -> Iterator[str]:
    """A sentence for the user where there was a choice."""
    others = ", ".join(name for name in entries if name != chosen)
    kind = "the averaged weights (EMA)" if is_averaged(chosen) else "the weights"
    if others:
        yield excerpt(f"{file_name}: {kind} in {chosen} are used, not those in {others}")


def _entries(content: object, path: str, depth: int) -> Iterator[tuple[str, Mapping[str, StoredTensor]]]:
    """State dicts by path, those under usual keys first."""
    if not isinstance(content, dict) or depth == _DEEPEST:
        return
    names = [name for name in _RAW if name in content]
    names += [name for name in content if isinstance(name, str) and is_averaged(name) and name not in _RAW]
    for name in names:
        state = _state(content[name])
        if state is not None:
            yield f"{path}{name}", state
        else:
            yield from _entries(content[name], f"{path}{name}/", depth + 1)


def _state(content: object) -> Mapping[str, StoredTensor] | None:
    if not isinstance(content, dict) or not content:
        return None
    state = {name: value for name, value in content.items() if isinstance(value, StoredTensor)}
    return {str(name): value for name, value in state.items()} if len(state) == len(content) else None


def _has_objects(content: object) -> bool:
    values = content.values() if isinstance(content, dict) else (content,)
    return any(isinstance(value, Opaque) for value in values)
