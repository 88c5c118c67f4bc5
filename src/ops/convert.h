// Between any two element types, as Cast defines it.
#pragma once

#include "base/thread_pool.h"
#include "octet/tensor.h"

namespace octet::ops {

bool is_convertible(DType dtype);   // every numeric type, bool, float8, 4-bit types

// Rounds floats to nearest even; floats become integers by truncation, integers wrap to smaller ones, what a 32 or 64-bit integer
// cannot hold becomes its nearest end and NaN becomes 0. `saturate` is for float8 destinations. Throws nothing when both types are convertible.
void convert_elements(DType from, const void* source, DType to, void* destination, int64_t count, bool saturate, ThreadPool* pool);

// A copy in another type; the tensor itself when it has that type already.
Tensor converted(const Tensor& tensor, DType to, ThreadPool* pool = nullptr);

}  // namespace octet::ops
