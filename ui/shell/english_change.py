"""The words in English of a run that goes on with other settings."""

CHANGE: dict[str, str] = {
    "change.now": "Change now, keep weights",
    "change.now.help": "Stops the run between two updates and goes on from there with the form's settings. The weights "
    "are kept, and what the optimizer remembers if it stays the same one; updates are counted on.",
    "change.go_on": "Go on with these",
    "change.go_on.help": "Goes on from the weights that this run has left, with the form's settings; updates are "
    "counted on.",
    "change.lasting": "The weights can be kept only with the same {names}.",
    "change.spent": "These settings have nothing left to do: the run has come further than their budget.",
    "change.too_large": "Weights and optimizer take {size}, and at most {most} are kept.",
    "change.failed": "The settings were not changed: {reason}.",
    "change.mark": "{name} {old} \u2192 {new}",
    "change.told": "{name} = {new} instead of {old}",
    "change.and": "{first} and {last}",
    "change.more": "{told} and {count} more",
    "change.batch_size": "B",
    "change.lr": "rate",
    "change.on": "on",
    "change.off": "off",
    "state.goes_on": "Going on",
    "story.goes_on": "Goes on from update {first} of a run out of memory{changed}, to the same number of examples.",
    "story.goes_on.otherwise": "Goes on from update {first} of a run out of memory{changed}.",
    "story.changed": "Goes on from update {first}{changed}.",
    "story.with": ", with {changed}",
}
