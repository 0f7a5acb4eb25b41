"""Processes: a warm host that starts each training as a child of its own, and the web server's client of the host.

    server  --commands, JSON lines on standard input-->   host  --one pipe each-->  training processes
            <--news, JSON lines on standard output--

Every pipe also ties two lives together: a process that reads end of file from the other side exits. Metrics take
another way: training processes write them to the store, and the server reads them there. Read client and process
for the server's side, __main__ and jobs for the host's.
"""
