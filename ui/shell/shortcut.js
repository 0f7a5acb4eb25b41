// A segmented control keeps Enter to itself, even with Ctrl, so the shortcut of Start would do nothing there.
// These listeners take the key first and pass it on to the whole page.
if (!window.batchLabListens) {
    window.batchLabListens = true
    for (const kind of ["keydown", "keyup"]) window.addEventListener(kind, event => {
        if (!event.isTrusted || event.key !== "Enter" || !event.ctrlKey
            || !event.target.closest("[data-testid=stButtonGroup]")) return
        event.stopImmediatePropagation()
        document.body.dispatchEvent(new KeyboardEvent(kind, event))
    }, true)
}
