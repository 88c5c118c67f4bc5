"""If, Loop and Scan, with bodies that use values of the graph around them."""
import numpy as np
from onnx import helper

from case import B, F, I, Random, case, floats, ints, node, scalar, subgraph


def branch(name, condition, nested=False):
    random = Random(name)
    then = subgraph([node("Add", "x k", "then_y")], [], [("then_y", F, [3, 4])], {"k": floats(1, 2, 3, 4)}, "then")
    if nested:
        inner_then = subgraph([node("Mul", "x x", "inner_y")], [], [("inner_y", F, [3, 4])], name="inner_then")
        inner_else = subgraph([node("Neg", "w", "other_y")], [], [("other_y", F, [3, 4])], name="inner_else")
        nodes = [
            node("ReduceSum", "x", "total", keepdims=0),
            node("Less", "total big", "small"),
            node("If", "small", "else_y", then_branch=inner_then, else_branch=inner_else),
        ]
    else:
        nodes = [node("Sub", "w x", "else_y")]
    otherwise = subgraph(nodes, [], [("else_y", F, [3, 4])], {"big": scalar(1e6)} if nested else {}, "else")
    case(
        name,
        [node("Relu", "v", "w"), node("If", "c", then_branch=then, else_branch=otherwise)],
        {"c": scalar(condition, B), "x": random.float(3, 4), "v": random.float(3, 4)},
        opset=16,
    )


branch("opset16_if_captures_then", True)
branch("opset16_if_captures_else", False)
branch("opset16_if_nested", False, nested=True)
for condition in (True, False):
    name = f"opset16_if_other_shapes_{str(condition).lower()}"
    then = subgraph([node("Identity", "x", "a")], [], [("a", F, None)], name="then")
    otherwise = subgraph(
        [node("Slice", "x from to", "b")], [], [("b", F, None)], {"from": ints(1), "to": ints(3)}, "else"
    )
    case(
        name,
        [node("If", "c", "t", then_branch=then, else_branch=otherwise), node("Relu", "t")],
        {"c": scalar(condition, B), "x": Random(name).float(5, 2)},
        opset=16,
    )
name = "opset16_if_two_outputs"
then = subgraph(
    [node("Add", "x x", "a"), node("Constant", "", "n", value=helper.make_tensor("v", 7, [], [1]))],
    [],
    [("a", F, [2]), ("n", I, [])],
    name="then",
)
otherwise = subgraph(
    [node("Mul", "x x", "b"), node("Constant", "", "m", value=helper.make_tensor("v", 7, [], [2]))],
    [],
    [("b", F, [2]), ("m", I, [])],
    name="else",
)
case(
    name,
    node("If", "c", "y which", then_branch=then, else_branch=otherwise),
    {"c": scalar(False, B), "x": floats(3, -4)},
    "y which",
    opset=16,
)


def loop(name, nodes, carried, scanned, count=None, keep=None, outputs="y", captures=None, constants=None):
    """carried: (name in, name out, first value); scanned: (name, shape)."""
    body = subgraph(
        nodes,
        [("i", I, []), ("go", B, [])] + [(a, v.dtype, v.shape) for a, _, v in carried],
        [("again", B, [])] + [(b, v.dtype, v.shape) for _, b, v in carried] + [(n, F, s) for n, s in scanned],
        constants,
    )
    inputs, names = dict(captures or {}), ["-", "-"]
    if count is not None:
        inputs["count"], names[0] = np.array(count, I), "count"
    if keep is not None:
        inputs["keep"], names[1] = np.array(keep, B), "keep"
    for a, _, v in carried:
        inputs[a + "_first"] = v
        names.append(a + "_first")
    case(name, node("Loop", names, outputs, body=body), inputs, outputs, opset=16)


random = Random("loops")
loop(
    "opset16_loop_count_scan",
    [node("Add", "s k", "t"), node("Mul", "t t", "z"), node("Identity", "go", "again")],
    [("s", "t", floats(0, 1))],
    [("z", [2])],
    count=5,
    keep=True,
    outputs="y all",
    captures={"k": floats(1, -2)},
)
loop(
    "opset16_loop_while",
    [node("Mul", "s two", "t"), node("ReduceSum", "t", "r", keepdims=0), node("Less", "r limit", "again")],
    [("s", "t", floats(1, 3))],
    [],
    keep=True,
    constants={"two": scalar(2), "limit": scalar(100)},
)
loop(
    "opset16_loop_never",
    [node("Add", "s s", "t"), node("Identity", "t", "z"), node("Identity", "go", "again")],
    [("s", "t", floats(1, 3))],
    [("z", [2])],
    count=4,
    keep=False,
    outputs="y all",
)
loop(
    "opset16_loop_zero_trips",
    [node("Add", "s s", "t"), node("Identity", "go", "again")],
    [("s", "t", floats(1, 3))],
    [],
    count=0,
)
loop(
    "opset16_loop_stops_early",
    [
        node("Cast", "i", "step", to=1),
        node("Add", "s step", "t"),
        node("Identity", "t", "z"),
        node("Less", "i three", "again"),
    ],
    [("s", "t", floats(0))],
    [("z", [1])],
    count=10,
    keep=True,
    outputs="y all",
    constants={"three": np.array(3, I)},
)
loop(
    "opset16_loop_two_carried",
    [node("Add", "a b", "b_next"), node("Identity", "b", "a_next"), node("Identity", "go", "again")],
    [("a", "a_next", floats(0)), ("b", "b_next", floats(1))],
    [],
    count=8,
    outputs="x y",
)
name = "opset16_loop_growing"
body = subgraph(
    [
        node("Cast", "i", "f", to=1),
        node("Unsqueeze", "f zero", "row"),
        node("Concat", "s row", "t", axis=0),
        node("Identity", "go", "again"),
    ],
    [("i", I, []), ("go", B, []), ("s", F, [None])],
    [("again", B, []), ("t", F, [None])],
    {"zero": ints(0)},
)
case(
    name,
    [node("Loop", "count - s0", "t", body=body), node("ReduceSum", "t", "y", keepdims=0)],
    {"count": np.array(4, I), "s0": floats(10)},
    "t y",
    opset=16,
)
name = "opset16_loop_with_if"
then = subgraph([node("Add", "s step", "p")], [], [("p", F, [2])], name="then")
otherwise = subgraph([node("Sub", "s step", "q")], [], [("q", F, [2])], name="else")
body = subgraph(
    [
        node("Mod", "i two", "odd_number"),
        node("Cast", "odd_number", "odd", to=9),
        node("If", "odd", "t", then_branch=then, else_branch=otherwise),
        node("Identity", "go", "again"),
    ],
    [("i", I, []), ("go", B, []), ("s", F, [2])],
    [("again", B, []), ("t", F, [2])],
    {"two": np.array(2, I)},
)
case(
    name,
    node("Loop", "count - s0", body=body),
    {"count": np.array(5, I), "s0": floats(0, 0), "step": floats(1, 10)},
    opset=16,
)


def scan(name, inputs, attributes, outputs="y all", x_shape=(3,), captures=None):
    body = subgraph(
        [node("Add", "s x", "t"), node("Mul", "t k", "z")],
        [("s", F, list(x_shape)), ("x", F, list(x_shape))],
        [("t", F, list(x_shape)), ("z", F, list(x_shape))],
        None if captures else {"k": scalar(0.5)},
    )
    inputs = {**inputs, **(captures or {})}
    case(name, node("Scan", "s0 xs", outputs, body=body, num_scan_inputs=1, **attributes), inputs, outputs, opset=16)


random = Random("scans")
scan("opset16_scan", {"s0": random.float(3), "xs": random.float(5, 3)}, {})
scan("opset16_scan_reverse", {"s0": random.float(3), "xs": random.float(5, 3)}, {"scan_input_directions": [1]})
scan(
    "opset16_scan_axes",
    {"s0": random.float(3), "xs": random.float(3, 4)},
    {"scan_input_axes": [1], "scan_output_axes": [1], "scan_output_directions": [1]},
)
scan("opset16_scan_negative_axis", {"s0": random.float(3), "xs": random.float(3, 4)}, {"scan_input_axes": [-1]})
scan("opset16_scan_captures", {"s0": random.float(3), "xs": random.float(5, 3)}, {}, captures={"k": floats(1, 2, 3)})
