// The charts keep a chosen range of their x axis in the signal zoom_x. A range chosen on one chart of Compare holds for
// all of them. Another unit on the axis, another form of the axes, or a new run ends every range.
if (!window.batchLabZooms) {
    window.batchLabZooms = true
    const LINKED = ".st-key-compare_charts", ENDS = [".st-key-compare_axis", ".st-key-x_axis", ".st-key-axes", ".st-key-start", ".st-key-start_in_drawer",
        ".st-key-compare_start"].map(each => `${each} button`).join()
    const CHARTS = "svg.marks:has(.frame_marks)"  // those with a range
    const viewOf = chart => chart.querySelector(".role-frame > g > path").__data__.context.dataflow
    const set = (chart, range) => {
        const view = viewOf(chart)
        if (view.signal("zoom_x") !== range) view.signal("zoom_x", range).runAsync()
    }
    const share = chart => requestAnimationFrame(() => {  // by then the chart has handled the event
        const range = viewOf(chart).signal("zoom_x")
        for (const other of chart.closest(LINKED)?.querySelectorAll(CHARTS) ?? []) set(other, range)
    })
    let dragged = null
    const chartOf = event => event.target.closest?.(`${LINKED} ${CHARTS}`)
    for (const kind of ["wheel", "dblclick", "pointerdown"]) window.addEventListener(kind, event => {
        const chart = chartOf(event)
        if (kind === "pointerdown") dragged = chart
        else if (chart) share(chart)
    }, { capture: true, passive: true })
    window.addEventListener("pointermove", event => {
        if (!event.buttons) dragged = null
        if (dragged) share(dragged)
    }, { capture: true, passive: true })
    window.addEventListener("click", event => {
        if (event.target.closest?.(ENDS)) document.querySelectorAll(CHARTS).forEach(chart => set(chart, null))
    }, true)
}
