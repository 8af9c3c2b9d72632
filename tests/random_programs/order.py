# SPDX-License-Identifier: Apache-2.0
"""Happens-before as an explicit graph: nodes, edges, and who reaches whom.

A node is a moment of a run: an instruction is issued, is executed, its store can be seen, a notify
is sent, a wait passes. A node completes when all nodes before it have; one that waits for what
never comes does not complete. Signals and flags only ever let more nodes complete, so which nodes
do is the same in every schedule.
"""


class Graph:
    def __init__(self):
        self._before = []  # of each node: those that have an edge to it
        self.never = self.node()  # does not complete
        self.edge(self.never, self.never)
        self.order = []  # the nodes that complete, in one order that the edges allow
        self._reached_from = []  # of each node: a bit for every node before it

    def node(self, *before):
        self._before.append(list(before))
        return len(self._before) - 1

    def edge(self, first, second):
        self._before[second].append(first)

    def close(self):
        """Works out which nodes complete, and the transitive closure of the edges among them."""
        after = [[] for _ in self._before]
        missing = [len(before) for before in self._before]
        for node, before in enumerate(self._before):
            for earlier in before:
                after[earlier].append(node)
        self._reached_from = [0] * len(self._before)
        self.order = [node for node, count in enumerate(missing) if count == 0]
        for node in self.order:
            for earlier in self._before[node]:
                self._reached_from[node] |= self._reached_from[earlier] | 1 << earlier
            for later in after[node]:
                missing[later] -= 1
                if missing[later] == 0:
                    self.order.append(later)
        self._completes = [count == 0 for count in missing]

    def completes(self, node):
        return self._completes[node]

    def is_before(self, first, second):
        return bool(self._reached_from[second] >> first & 1)
