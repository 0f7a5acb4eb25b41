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
    // Alt and a number open a page of the menu. A link of the menu does the same, but some are hidden on narrow screens.
    window.addEventListener("keydown", event => {
        const path = window.batchLabPages[event.code.replace("Digit", "") - 1]
        if (path === undefined || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
        event.preventDefault()
        history.pushState({}, "", new URL(path, document.baseURI))
        window.dispatchEvent(new PopStateEvent("popstate"))
    }, true)
    // Streamlit draws what a popover holds at the end of the page, where Tab does not get to.
    window.addEventListener("keydown", event => {
        const opener = event.target.closest("[data-testid=stPopoverButton][aria-expanded=true]")
        if (event.key !== "Tab" || event.shiftKey || !opener) return
        const inside = [...document.querySelectorAll("[data-testid=stPopoverBody] :is(input, button, a, [tabindex='0'])")]
        const first = inside.find(element => element.checkVisibility() && !element.disabled)
        if (!first) return
        event.preventDefault()
        event.stopImmediatePropagation()
        first.focus()
    }, true)
    // On a phone, the sidebar covers the page. A button that acts on the page, or a touch beside the sidebar, closes it.
    window.addEventListener("click", event => {
        const close = document.querySelector("[data-testid=stSidebarCollapseButton] button")
        const isOpen = !document.querySelector("[data-testid=stExpandSidebarButton]")
        if (!close || !isOpen || !window.matchMedia("(max-width: 640px)").matches) return
        if (event.target.closest(".st-key-drawer button") || event.target.closest("[data-testid=stMain]")) close.click()
    })
}
