"""
`specter run`, and the end of an application under any ASGI server.

    cli > command > supervisor > (fork) > run > signals, listener, load > sequence > servers
                  > reload > `specter run` in a process of its own
    sequence > lifespan > the application's manager > attach > sequence: drained at the end
                                                             > chain: under another server's command
    drain > gate > call
          > clients
"""
