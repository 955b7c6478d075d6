"""The page in the browser, `dip page`: server.py answers it, jobs.py has the queue, work.py
restores in a process of its own, views.py opens files in another, shelf.py keeps all in a folder.
"""
