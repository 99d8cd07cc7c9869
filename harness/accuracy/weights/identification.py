"""Whose tensors a PyTorch state holds: without the marks of wrappers, by the names of an origin."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from harness.accuracy.weights.assembly import LAYERS, NamedTensor, Source
from harness.accuracy.weights.entries import describe_choice, is_averaged
from harness.accuracy.weights.naming import NAMINGS, Naming
from harness.errors import UsageError

# Batches counted by BatchNorm, updates counted by AveragedModel and ema-pytorch, operations counted by thop.
_COUNTERS = ("num_batches_tracked", "n_averaged", "initted", "step", "steps", "total_ops", "total_params")
# A loss function of the trainer, and the weights of classes that belong to one.
_LOSSES = ("criterion", "loss", "loss_fn", "loss_func")
_CLASS_WEIGHTS = ("class_weights", "class_weight", "pos_weight")
# What torch.nn.utils.prune has in the place of a weight: its values before pruning, and 0 where it is pruned.
_UNPRUNED, _MASK = "_orig", "_mask"
# What torch.compile, FSDP and checkpointed activations put into names, before any part of the network.
_WRAPPER_MARKS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")


def identify(tensors: Mapping[str, Tensor], file_name: str) -> Source:
    """Recognize the origin of a PyTorch state by the name of its first convolution.

    Wrappers (DataParallel, torch.compile, FSDP, Lightning) put prefixes before the names; where one prefix
    holds averaged weights (EMA) and another the raw ones, the averaged ones are used.

    Raises:
        UsageError: the names are of no known origin, or it is not clear which tensors are meant.
    """
    tensors = _pruned(_without_wrappers(tensors, file_name))
    for naming in NAMINGS:
        prefixes = _prefixes(naming, tensors)
        if prefixes and not any(f"{prefix}{naming.foreign}" in tensors for prefix in prefixes):
            return _take(naming, tensors, prefixes, file_name)
    some = ", ".join(list(tensors)[:4])
    known = ", ".join(dict.fromkeys(naming.origin for naming in NAMINGS))
    raise UsageError(
        f"{file_name} is not a MobileNetV1 with known tensor names: it has {some or 'no tensors'}, …",
        hint=f"tensor names are known of: {known}",
    )


def _without_wrappers(tensors: Mapping[str, Tensor], file_name: str) -> dict[str, Tensor]:
    """Names without the marks of wrappers, and without counters and losses, which are no weights."""
    plain: dict[str, Tensor] = {}
    for name, value in tensors.items():
        last = name.rpartition(".")[2]
        if last in (*_COUNTERS, *_CLASS_WEIGHTS) or name.partition(".")[0] in _LOSSES:
            continue
        ours = name
        for mark in _WRAPPER_MARKS:
            ours = ours.replace(mark, "")
        if ours in plain:
            raise UsageError(f"{file_name} has two tensors for {ours}")
        plain[ours] = value
    return plain


def _pruned(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as a network that is pruned by a mask computes with them."""
    found = dict(tensors)
    for name, mask in tensors.items():
        weight = name.removesuffix(_MASK)
        values = tensors.get(f"{weight}{_UNPRUNED}")
        if weight != name and values is not None and values.shape == mask.shape:
            found[weight] = values * mask
            del found[name], found[f"{weight}{_UNPRUNED}"]
    return found


def _prefixes(naming: Naming, tensors: Mapping[str, Tensor]) -> list[str]:
    """What stands before this origin's name of the first convolution: "" or names that end in a dot.

    Where several names end so, those count that have the last convolution, too.
    """
    stem, last = (f"{naming.place(layer)[0]}.weight" for layer in (LAYERS[0], LAYERS[-1]))
    found = [name.removesuffix(stem) for name in tensors if name == stem or name.endswith(f".{stem}")]
    return found if len(found) < 2 else [prefix for prefix in found if f"{prefix}{last}" in tensors]


def _take(naming: Naming, tensors: Mapping[str, Tensor], prefixes: list[str], file_name: str) -> Source:
    if len(prefixes) == 1:
        return _rename(naming, _without_prefix(tensors, prefixes[0]))
    averaged = [prefix for prefix in prefixes if is_averaged(prefix)]
    shown = [prefix or "(no prefix)" for prefix in prefixes]
    if len(averaged) != 1:
        raise UsageError(
            f"{file_name} has {len(prefixes)} networks: {', '.join(shown)}",
            hint="save the state dict of one network",
        )
    (chosen,) = averaged
    # Longer prefixes first: "" stands before every name.
    others = sorted((prefix for prefix in prefixes if prefix != chosen), key=len, reverse=True)
    kept = {
        name: value
        for name, value in tensors.items()
        if name.startswith(chosen) or not any(name.startswith(prefix) for prefix in others)
    }
    return replace(
        _rename(naming, _without_prefix(kept, chosen)),
        entry=chosen,
        remarks=tuple(describe_choice(chosen, shown)),
    )


def _without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items()}


def _rename(naming: Naming, tensors: Mapping[str, Tensor]) -> Source:
    names = dict(naming.names())
    if f"{naming.classifier}.weight" not in tensors:
        names |= _only_linear_layer({name: tensors[name] for name in tensors if name not in names.values()})
    known = set(names.values())
    return Source(
        origin=naming.origin,
        tensors={
            ours: NamedTensor(theirs, _as_linear(ours, tensors[theirs]))
            for ours, theirs in names.items()
            if theirs in tensors
        },
        padding=naming.padding,
        bn_eps=naming.bn_eps,
        activation=naming.activation,
        preprocessing=naming.preprocessing,
        unexpected=tuple(name for name in tensors if name not in known),
    )


def _as_linear(ours: str, value: Tensor) -> Tensor:
    """A classifier that is a 1x1 convolution is a linear layer, too."""
    pointwise = ours == "classifier.weight" and value.dim() == 4 and tuple(value.shape[2:]) == (1, 1)
    return value.flatten(1) if pointwise else value


def _only_linear_layer(others: Mapping[str, Tensor]) -> dict[str, str]:
    """The classifier (`fc`, `head.1`, …) by our names, if nothing else than a linear layer is left."""
    weight = next((name for name, value in others.items() if value.dim() in (2, 4)), "")
    bias = f"{weight.removesuffix('weight')}bias"
    if set(others) != {weight, bias}:
        return {}
    return {"classifier.weight": weight, "classifier.bias": bias}
