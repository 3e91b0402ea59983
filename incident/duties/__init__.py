"""What each role must do next, and by when: pure functions of what it sees and the time.

A role's workflow holds a view (its cut of the incident) and what it has done (`done`: key of a duty -> when). The
role's `duties` gives all that is still to be done, each with the moment it is due; the workflow waits for the earliest,
carries it out and marks its key. So nothing is due twice, several missed marks are one, and what is settled is gone.
"""
