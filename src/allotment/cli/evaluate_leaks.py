"""``allotment evaluate leaks`` and ``canaries``: what every role gets to know of every reader set."""
