"""The plan before spending: what a job will take, and what is changed so that it keeps its deadline and its budget.

documents ─► work (calls of each step) ─► rehearsal (who carries them, and when) ─► estimate
                                              ▲                                        │ misses a limit
                                              └──── the next alternative ◄── choice ◄──┘
"""
