"""The page in the browser, `dip page`: server.py answers it (guard.py says whom, events.py tells
what has changed), jobs.py has the queue, work.py restores in a process of its own, views.py opens
files in another, shelf.py keeps all in a folder.
"""
