"""Processes: a warm host that starts each training as its own child, and the server's side of it.

    server  --commands, JSON lines on standard input-->   host  --pipe, one each-->  training processes
            <--news, JSON lines on standard output--

Every pipe also carries a life: whoever reads end of file from the other side ends itself. Metrics take another
way: training processes write them into the store, and the server reads them there.
"""
