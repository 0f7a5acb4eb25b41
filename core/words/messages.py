"""Say in English what a code and its values mean. The engine knows codes; only its edges call this."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

ENGLISH: dict[str, str] = {
    # Values that cannot be used: the value, the bounds, the way out.
    "not_a_choice": "{field} must be one of {choices}, got {value!r}",
    "not_whole": "{field} must be a whole number between {low:,} and {high:,}, got {value!r}",
    "not_a_number": "{field} must be a number between {low:,.12g} and {high:,.12g}, got {value!r}",
    "out_of_bounds": "{field} must be between {low:,.12g} and {high:,.12g}, got {value:,.12g}",
    "hidden_widths": "hidden must be 1 to {depth} layer widths between {low:,} and {high:,}, such as 128-64, "
    "got {value!r}",
    "unknown_field": "{field!r} is not a setting of a run; the settings are {choices}",
    "not_json": "a run is described by a JSON object, got {value!r}",
    "two_budgets": "--epochs already is a budget; give either --epochs or --budget with --budget-value",
    "not_writable": "{value} cannot be written ({cause}); name a file in a folder that exists and can be written",
    "not_readable": "{value} cannot be read ({cause}); name a file of settings as JSON",
    "files_or_preset": "compare either files or a preset, got {files} files and the preset {value!r}",
    "file_refused": "{value} describes no run: {reason}",
    "batch_larger_than_dataset": "batch_size must be between 1 and {examples} (the size of '{dataset}'), "
    "got {batch_size}",
    "norm_not_for_model": "norm {norm!r} does not exist for the model '{model}'; choose one of {choices}",
    "model_needs_images": "the model '{model}' needs images and '{dataset}' has none; choose linear or mlp",
    "no_full_window": "drop_last would drop everything: {batch_size} x {accumulate} = {effective} examples a window, "
    "but '{dataset}' has {examples}; keep the last batch, or lower batch_size or accumulate",
    "batch_norm_of_one": "batch normalisation cannot train on a batch of one example; set batch_size to 2 or more "
    "and drop the last batch, or choose another norm",
    "batch_norm_last_of_one": "the last batch of {examples} / {batch_size} has one example, which batch "
    "normalisation cannot train on; drop the last batch, or change batch_size",
    "too_many_updates": "{value:,} {budget} are {planned:,} updates, and a run may have {high:,}; "
    "lower budget_value or raise batch_size",
    "horizon_of_seconds": "schedule_batch_size cannot be {schedule_batch_size} under a budget of seconds, where only a "
    "timing tells how many updates the schedule is planned for; set it to none, or choose another budget",
    "schedule_batch_larger_than_dataset": "schedule_batch_size must be none or between 1 and {examples} (the size of "
    "'{dataset}'), got {schedule_batch_size}",
    "schedule_without_full_window": "drop_last would leave the schedule no update: {schedule_batch_size} x "
    "{accumulate} = {effective} examples a window, but '{dataset}' has {examples}; lower schedule_batch_size or set it "
    "to none",
    # One's own model.
    "model_not_named": "model must be package.module:Factory, what gives the model when it is called, or one of "
    "linear, mlp, cnn; got {value!r}",
    "model_not_imported": "the model {value} cannot be imported: {cause}",
    "model_not_made": "the model {value} is a {found}; name a class or a function that gives an nn.Module when it is "
    "called without arguments",
    "model_wrong": "the model cannot be trained: {cause}",
    "model_cannot_take": "the model cannot be trained on an input of shape {shape} and type {dtype}: {cause}",
    "input_not_a_shape": "input must be the shape of one example without the batch, whole numbers from 1 with commas "
    "between them such as 3,224,224; got {value!r}",
    "input_missing": "a model of one's own needs --input, the shape of one example such as 3,224,224",
    "not_for_own_model": "{flag} has no meaning for a model of one's own",
    "only_for_own_model": "{flag} needs a model of one's own, --model package.module:Factory",
    # Comparisons.
    "too_few_arms": "a comparison has {low} to {high} arms, got {value}; add another",
    "not_arms": "arms in an address are settings such as batch_size:100,lr:0.05;batch_size:1000, got {value!r}",
    "too_many_arms": "a comparison has {low} to {high} arms, got {value}; remove one",
    "arms_not_comparable": "arms must have the same {field}, got {values}",
    "arm_refused": "arm {number} cannot be trained so: {reason}",
    "too_many_updates_of_arm": "arm {number} would make {value:,} updates, and in a comparison it may make {high:,}; "
    "lower the budget or raise its batch_size",
    "weights_not_all": "with batch normalisation the loss depends on running statistics beside the weights; compare "
    "without a norm, or with layer norm",
    "weights_not_alike": "paths of weights share a plane only if the arms have one model, and these differ in "
    "{fields}; compare arms of one model",
    # The claims.
    "unknown_claim": "claim must be one of {choices}, got {value!r}",
    "claim_of_words": "the claim {value} is about words and has no experiment; claim must be one of {choices}",
    "results_damaged": "the results {where} cannot be read ({cause}); restore the file, or make it anew with "
    "python -m core claims --output FILE",
    "bench_damaged": "the bench of schedules {where} cannot be read ({cause}); restore the file, or make it anew with "
    "python -m core schedules --output FILE",
    "no_optimum": "a weight decay of {weight_decay:g} leaves the problem without an optimum that can be found; give a "
    "weight decay above 0",
    # The database of runs.
    "store_newer": "the database {where} has version {version} and this Batch Lab reads up to version {known}; it was "
    "left as it is. Update Batch Lab, or set BATCHLAB_DATABASE to another file",
    "store_corrupt": "the database {where} cannot be read ({cause}); it was left as it is. Set BATCHLAB_DATABASE to "
    "another file, or move this one away",
    "store_unavailable": "the database {where} cannot be opened ({cause}); set BATCHLAB_DATABASE to a file or server "
    "that can be reached and written",
    "recording_damaged": "the recorded run {where} cannot be read ({cause}); restore the file, or make it anew with "
    "python -m core record",
    # How runs end.
    "budget": "the budget is spent",
    "target": "the validation loss has reached its target",
    "asked": "it was asked to stop",
    "unwatched": "nobody was watching",
    "changed": "it was stopped to go on with other settings",
    "limit": "the simulated device of {limit_bytes:,} bytes was full: {requested_bytes:,} more were needed",
    "loss": "the loss at update {update:,} was infinite, not a number, or 1,000 times the initial one; lower the "
    "learning rate",
    "killed": "the training process was ended from outside by signal {signal}",
    "exited": "the training process ended by itself with exit code {exit_code}",
    "no_state": "the run before it has left no weights to go on with",
    "error": "the training process had an error: {error}",
    "store": "the run trained, but what it recorded could not be kept: {error}",
    "ended_elsewhere": "the run was ended or deleted in the database by another process",
    "host_gone": "the process that trained this run was lost with the engine; start again",
    "owner_gone": "the process that trained this run is gone",
    # What the host refuses.
    "not_enough_memory": "the run needs {needed:,} bytes of this machine's memory and {free:,} are free; lower "
    "batch_size or choose a smaller model",
    "no_host": "the engine could not be started ({cause}); try again when this machine has more to spare",
    "no_prediction": "the engine gave no answer; try again",
}


def sentence(code: str, **values: Any) -> str:
    """Return the sentence for a code. Raises KeyError for an unknown code or a missing value."""
    shown = {name: _Huge(value) if _is_huge(value) else value for name, value in values.items()}
    return ENGLISH[code].format(**shown)


class _Huge(Decimal):
    """An integer that no float can stand for, and that nobody wants to read to the end."""

    def __repr__(self) -> str:
        return f"{self:.12g}"


def _is_huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > sys.float_info.max
