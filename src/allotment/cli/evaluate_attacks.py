"""``allotment evaluate attacks``: thousands of attempts on canaries, by layer."""
