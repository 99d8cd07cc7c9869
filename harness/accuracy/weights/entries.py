"""Which entry of a checkpoint holds the weights: averaged ones (EMA) before raw ones, never a guess."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.accuracy.weights.torch_pickle import Opaque, StoredTensor
from harness.errors import UsageError
from harness.system.text import excerpt

# Keys under which training scripts save a state dict, the likeliest first.
_RAW = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params", "shadow")
# timm: state_dict_ema; ConvNeXt: model_ema; others: ema, ema_state_dict, model_ema_state_dict, params_ema.
_AVERAGED = re.compile(r"(^|[_.\-/])ema([_.\-/]|$)", re.IGNORECASE)
# OpenMMLab's mmengine swaps the two when it saves (EMAHook.before_save_checkpoint): `ema_state_dict` is then
# the raw state.
_MMENGINE_AVERAGE = "state_dict"
_DEEPEST = 3
# An optimizer's averages have the names of the weights.
_NO_NETWORK = ("optim", "scaler", "criterion", "loss")
_CONVOLUTION = 4


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

    Averaged weights come first, then the usual entries; another is taken only where it is the only one.

    Raises:
        UsageError: no entry is a state dict, or several are and their names do not show which is meant.
    """
    state = _state(content)
    if state is not None:
        return Choice(state, None)
    entries = dict(_entries(content))
    if not entries:
        if _has_objects(content):
            raise UsageError(
                f"{file_name} is refused: the file holds more than tensors, and loading it could run code",
                hint="save only `model.state_dict()`, best as safetensors",
            )
        raise UsageError(f"{file_name} holds no state dict", hint="save `model.state_dict()`")
    averaged = [name for name in entries if is_averaged(name)]
    usual = [name for name in entries if name.rpartition("/")[2] in _RAW]
    if not averaged and not usual and len(entries) > 1:
        raise UsageError(
            f"{file_name} has {len(entries)} networks: {', '.join(entries)}",
            hint="save the state dict of one network",
        )
    if _is_of_mmengine(content) and _MMENGINE_AVERAGE in entries:
        others = ", ".join(name for name in entries if name != _MMENGINE_AVERAGE)
        remark = f"the averaged weights (EMA), which mmengine saves as state_dict, are used, not {others}"
        return Choice(entries[_MMENGINE_AVERAGE], _MMENGINE_AVERAGE, (excerpt(remark),))
    chosen = next(iter((*averaged, *usual, *entries)))
    return Choice(entries[chosen], chosen, tuple(describe_choice(chosen, entries)))


def _is_of_mmengine(content: object) -> bool:
    return isinstance(content, dict) and "message_hub" in content and "ema_state_dict" in content


def describe_choice(chosen: str, entries: Iterable[str]) -> Iterator[str]:
    """A sentence for the user where there was a choice."""
    others = ", ".join(name for name in entries if name != chosen)
    kind = "the averaged weights (EMA)" if is_averaged(chosen) else "the weights"
    if others:
        yield excerpt(f"{kind} in {chosen} are used, not those in {others}")


def _entries(content: object) -> Iterator[tuple[str, Mapping[str, StoredTensor]]]:
    """State dicts of networks by path, those under usual keys first; each dictionary is looked at once."""
    seen: set[int] = set()
    level = [("", content)]
    for _ in range(_DEEPEST):
        below: list[tuple[str, object]] = []
        for path, holder in level:
            if not isinstance(holder, dict) or id(holder) in seen:
                continue
            seen.add(id(holder))
            for name in sorted((name for name in holder if isinstance(name, str)), key=_rank):
                if name.startswith(_NO_NETWORK):
                    continue
                state = _state(holder[name])
                if state is None:
                    below.append((f"{path}{name}/", holder[name]))
                elif any(len(tensor.shape) == _CONVOLUTION for tensor in state.values()):
                    yield f"{path}{name}", state
        level = below


def _rank(name: str) -> int:
    return _RAW.index(name) if name in _RAW else len(_RAW)


def _state(content: object) -> Mapping[str, StoredTensor] | None:
    if not isinstance(content, dict) or not content:
        return None
    state = {name: value for name, value in content.items() if isinstance(value, StoredTensor)}
    return {str(name): value for name, value in state.items()} if len(state) == len(content) else None


def _has_objects(content: object) -> bool:
    values = content.values() if isinstance(content, dict) else (content,)
    return any(isinstance(value, Opaque) for value in values)
