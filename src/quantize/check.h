// What makes no sense to ask for, told before the work begins.
#pragma once

#include "graph/graph.h"
#include "quantize/recipe.h"

namespace octet {

// Throws Error when an override of the recipe matches nothing: it names the override and what it may have meant. `source` is the model as it was read, `prepared` what
// quantization sees: an override that matches only what preparing folded away (a normalization, say) is told so.
void check_overrides(const Model& source, const Model& prepared, const Recipe& recipe);

// Throws Error when layers of the model are 8-bit already and the recipe's method finds no other (`found`: it does), or when their weights
// alone are 8-bit and the method is another: those layers would stay as they are.
void check_something_left(const Model& prepared, const Recipe& recipe, bool found);

}  // namespace octet
