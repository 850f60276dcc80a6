"""moto's DynamoDB, mended where this machine needs it: by one call at a time, and in less than half of the time."""

import contextlib
import copy
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest import mock

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes, expressions
from moto.dynamodb.responses import DynamoHandler

# moto tells type checkers nothing of these.
nodes: Any = ast_nodes
parsers: Any = expressions

is_one_of: Any = cache(issubclass)


@contextlib.contextmanager
def mended() -> Iterator[None]:
    """While this lasts, moto's tables are whole and quick."""
    with (
        mock.patch.object(DynamoHandler, "call_action", _in_turns(DynamoHandler.call_action)),
        mock.patch.object(DynamoDBBackend, "transact_write_items", _by_row(DynamoDBBackend.transact_write_items)),
        mock.patch.object(Table, "__deepcopy__", lambda self, _: self, create=True),
        # Read once: what is done with a tree is done with a copy of it.
        mock.patch.object(parsers.UpdateExpressionParser, "make", cache(parsers.UpdateExpressionParser.make)),
        mock.patch.object(nodes.Node, "__deepcopy__", _copied, create=True),
        mock.patch.object(nodes.Node, "find_clauses", _found),
        mock.patch.object(nodes.DepthFirstTraverser, "traverse_node_recursively", _traversed),
    ):
        yield


def _in_turns(at_once: Any) -> Any:
    """One call at a time: moto's items and transactions do not bear two."""
    lock = threading.Lock()

    def call_action(self: DynamoHandler) -> Any:
        with lock:
            return at_once(self)

    return call_action


def _by_row(by_table: Any) -> Any:
    """A transaction that keeps aside the rows that it writes, where moto copies each of their tables."""

    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        places = []
        for write in (write for item in transact_items for write in item.values()):
            if table := self.tables.get(write["TableName"]):
                key = (write.get("Key") or write["Item"])[table.hash_key_attr]
                places.append((table.items, DynamoType(key)))
        before = [copy.deepcopy(rows.get(key)) for rows, key in places]
        try:
            by_table(self, transact_items)
        except Exception:
            for (rows, key), row in zip(places, before, strict=True):
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
            raise

    return transact_write_items


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    """A tree of an expression, copied node by node, where moto's is taken apart as any object is."""
    made = self.__class__.__new__(self.__class__)
    made.__dict__.update(self.__dict__)
    if self.children is not None:
        made.children = [copy.deepcopy(child, memo) for child in self.children]
        for child in made.children:
            if isinstance(child, nodes.Node):
                child.parent = made
    return made


def _traversed(self: Any, root: Any, child_id: int = -1) -> Any:
    """As moto's does, with what there is to do for each kind of node looked up once."""
    kinds = self.nodes_to_be_processed()

    def traversed(node: Any, child_id: int) -> Any:
        parent = node.parent
        for nth, child in enumerate(node.children or ()):
            self.pre_processing_of_child(node, nth)
            if is_one_of(type(child), (nodes.Node,)):
                traversed(child, nth)
        if is_one_of(type(node), kinds):
            node = self.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return traversed(root, child_id)


def _found(self: Any, kinds: list[type]) -> list[Any]:
    """As moto's does, with the kind of each node looked up once."""
    found: list[Any] = []
    for child in self.children or ():
        if type(child) in kinds:
            found.append(child)
        elif is_one_of(type(child), (nodes.Expression, nodes.UpdateExpressionFunction)):
            found += _found(child, kinds)
    return found
