"""Run trainings in child processes of a warm host, and control the host from the web server.

    server  --orders, JSON lines on standard input-->   host  --one pipe each-->  training processes
            <--news, JSON lines on standard output--

Each pipe also ties two processes together: a process exits when it reads end of file from the other side. Metrics do
not pass through the host: training processes write them to the store, and the server reads them there. `client` and
`process` are the server's side, `__main__` and `jobs` the host's.
"""
