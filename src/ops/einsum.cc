// Einsum: sums of products over named axes, any number of operands.
#include <algorithm>
#include <string>

#include "ops/axes.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

// Labels are the letters of the equation; the axes that an ellipsis stands for get labels of their own, counted from the back.
using Labels = std::vector<int>;
constexpr int kEllipsis = 256;

struct Equation {
  std::vector<Labels> operands;
  Labels output;
};

// "ij...," → labels; `rank` tells how many axes the ellipsis stands for (-1: none is allowed to matter).
Labels parse_term(std::string_view term, int rank) {
  Labels labels;
  int letters = 0, dots = 0;
  for (char c : term) {
    if (c == ' ') continue;
    if (c == '.') ++dots;
    else {
      require((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), ErrorCode::kInvalidModel, "'", c, "' in an einsum equation");
      ++letters;
    }
  }
  require(dots == 0 || (dots == 3 && term.find("...") != std::string_view::npos), ErrorCode::kInvalidModel, "a broken ellipsis in an einsum equation");
  int hidden = rank - letters;
  require(dots == 3 ? hidden >= 0 : hidden == 0, ErrorCode::kShapeMismatch, "the einsum term '", term, "' does not fit a tensor of rank ", rank);
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] == ' ') continue;
    if (term[i] == '.') {
      for (int k = hidden - 1; k >= 0; --k) labels.push_back(kEllipsis + k);
      i += 2;
    } else {
      labels.push_back(term[i]);
    }
  }
  return labels;
}

Equation parse(const std::string& text, const std::vector<int>& ranks) {
  Equation equation;
  size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  size_t begin = 0;
  int hidden = 0;   // the longest ellipsis
  for (size_t i = 0; i < ranks.size(); ++i) {
    size_t comma = left.find(',', begin);
    require((comma == std::string::npos) == (i + 1 == ranks.size()), ErrorCode::kInvalidModel, "the equation '", text, "' has not ", ranks.size(), " operands");
    equation.operands.push_back(parse_term(std::string_view(left).substr(begin, comma == std::string::npos ? comma : comma - begin), ranks[i]));
    for (int label : equation.operands.back())
      if (label >= kEllipsis) hidden = std::max(hidden, label - kEllipsis + 1);
    begin = comma + 1;
  }
  if (arrow != std::string::npos) {
    std::string right = text.substr(arrow + 2);
    int letters = 0;
    for (char c : right) letters += c != '.' && c != ' ';
    bool dotted = right.find('.') != std::string::npos;
    equation.output = parse_term(right, letters + (dotted ? hidden : 0));
    for (size_t i = 0; i < equation.output.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        require(equation.output[i] != equation.output[k], ErrorCode::kInvalidModel, "the equation '", text, "' names an output axis twice");
    return equation;
  }
  // Without an arrow: the ellipsis, then every letter that stands once, in alphabetical order.
  for (int k = hidden - 1; k >= 0; --k) equation.output.push_back(kEllipsis + k);
  for (int letter = 'A'; letter <= 'z'; ++letter) {
    int uses = 0;
    for (const Labels& operand : equation.operands)
      for (int label : operand) uses += label == letter;
    if (uses == 1) equation.output.push_back(letter);
  }
  return equation;
}

// The extents of all labels: first those of the output, then those that are summed.
struct Space {
  Labels labels;
  std::vector<int64_t> extents;

  int64_t& extent(int label) {
    for (size_t i = 0; i < labels.size(); ++i)
      if (labels[i] == label) return extents[i];
    labels.push_back(label);
    extents.push_back(1);
    return extents.back();
  }
};

Space space_of(const Equation& equation, const std::vector<const Shape*>& shapes) {
  Space space;
  for (int label : equation.output) space.extent(label);
  for (size_t i = 0; i < shapes.size(); ++i)
    for (size_t axis = 0; axis < equation.operands[i].size(); ++axis) {
      int64_t have = (*shapes[i])[static_cast<int>(axis)];
      int64_t& extent = space.extent(equation.operands[i][axis]);
      if (extent == 1) extent = have;
      else if (extent < 0 && have != 1) extent = have;
      else require(have == 1 || may_agree(extent, have), ErrorCode::kShapeMismatch, "an einsum axis is ", extent, " and ", have, " long");
    }
  for (int label : equation.output) {
    bool found = false;
    for (const Labels& operand : equation.operands)
      for (int other : operand) found |= other == label;
    require(found || label >= kEllipsis, ErrorCode::kInvalidModel, "an einsum output axis is in no operand");
  }
  return space;
}

Shape output_shape(const Equation& equation, Space& space) {
  Shape shape;
  for (int label : equation.output) shape.push_back(space.extent(label));
  return shape;
}

void infer(InferContext& context) {
  std::vector<int> ranks;
  std::vector<const Shape*> shapes;
  for (size_t i = 0; i < context.inputs(); ++i) {
    require(context.dtype(i) == context.dtype(0), ErrorCode::kShapeMismatch, "einsum operands of types ", context.dtype(0), " and ", context.dtype(i));
    if (!context.has_rank(i)) return context.set_output_rank_unknown(0, context.dtype(0));
    shapes.push_back(&context.shape(i));
    ranks.push_back(shapes.back()->rank());
  }
  Equation equation = parse(context.attributes().string("equation"), ranks);
  Space space = space_of(equation, shapes);
  context.set_output(0, context.dtype(0), output_shape(equation, space));
}

// Offsets into an operand for every point of the labels [first, last) of the space, row-major.
std::vector<int64_t> offsets(const Space& space, size_t first, size_t last, const Labels& operand, const Shape& shape) {
  std::vector<int64_t> dense = dense_strides(shape), result{0};
  for (size_t l = first; l < last; ++l) {
    int64_t stride = 0;   // a label that stands twice walks the diagonal
    for (size_t axis = 0; axis < operand.size(); ++axis)
      if (operand[axis] == space.labels[l] && shape[static_cast<int>(axis)] != 1) stride += dense[axis];
    std::vector<int64_t> next;
    next.reserve(result.size() * static_cast<size_t>(space.extents[l]));
    for (int64_t base : result)
      for (int64_t i = 0; i < space.extents[l]; ++i) next.push_back(base + i * stride);
    result.swap(next);
  }
  return result;
}

void evaluate(EvaluateContext& context) {
  std::vector<int> ranks;
  std::vector<const Shape*> shapes;
  for (size_t i = 0; i < context.inputs(); ++i) {
    shapes.push_back(&context.input(i).shape());
    ranks.push_back(shapes.back()->rank());
  }
  Equation equation = parse(context.attributes().string("equation"), ranks);
  Space space = space_of(equation, shapes);
  Shape shape = output_shape(equation, space);
  Tensor& y = context.output(0, context.input(0).dtype(), shape);
  const int64_t points = y.elements();
  const int64_t terms = Shape(std::span<const int64_t>(space.extents).subspan(equation.output.size())).elements();
  require(terms < (int64_t{1} << 28), ErrorCode::kResourceLimit, "an einsum with sums of ", terms, " products");
  std::vector<std::vector<int64_t>> bases, steps;
  for (size_t i = 0; i < shapes.size(); ++i) {
    bases.push_back(offsets(space, 0, equation.output.size(), equation.operands[i], *shapes[i]));
    steps.push_back(offsets(space, equation.output.size(), space.labels.size(), equation.operands[i], *shapes[i]));
  }
  dispatch(y.dtype(), NumericTypes(), [&]<typename T>() {
    using Sum = std::conditional_t<kIsFloating<T>, Wide<T>, uint64_t>;   // integers wrap
    std::vector<const T*> operands;
    for (size_t i = 0; i < shapes.size(); ++i) operands.push_back(typed<T>(context.input(i)));
    T* to = typed<T>(y);
    parallel_ranges(context.pool(), points, terms * 2, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        Sum sum = 0;
        if (operands.size() == 2) {
          const T *a = operands[0] + bases[0][static_cast<size_t>(p)], *b = operands[1] + bases[1][static_cast<size_t>(p)];
          const int64_t *step_a = steps[0].data(), *step_b = steps[1].data();
          for (int64_t t = 0; t < terms; ++t) sum += static_cast<Sum>(widen(a[step_a[t]])) * static_cast<Sum>(widen(b[step_b[t]]));
        } else {
          for (int64_t t = 0; t < terms; ++t) {
            Sum product = 1;
            for (size_t i = 0; i < operands.size(); ++i)
              product *= static_cast<Sum>(widen(operands[i][bases[i][static_cast<size_t>(p)] + steps[i][static_cast<size_t>(t)]]));
            sum += product;
          }
        }
        to[p] = narrow<T>(sum);
      }
    });
  });
}

int64_t macs(const Node& node) {
  std::vector<int> ranks;
  std::vector<const Shape*> shapes;
  for (const Value* input : node.inputs) {
    shapes.push_back(&*input->shape);
    ranks.push_back(input->shape->rank());
  }
  Space space = space_of(parse(node.attributes.string("equation"), ranks), shapes);
  return node.inputs.size() < 2 ? 0 : Shape(std::move(space.extents)).elements();
}

constexpr OperatorDef definitions[] = {
    {.name = "Einsum", .since_version = 12, .max_inputs = kVariadic, .infer = infer, .evaluate = evaluate, .macs = macs},
};

}  // namespace

std::span<const OperatorDef> einsum_operators() { return definitions; }

}  // namespace octet::ops
