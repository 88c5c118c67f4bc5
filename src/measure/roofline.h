// The roofline: what this machine can do at most, measured in a few milliseconds, and what that allows a step.
//
// A step cannot take less than max(operations / peak, bytes / bandwidth): S. Williams, A. Waterman, D. Patterson, "Roofline: an
// insightful visual performance model for multicore architectures", CACM 52(4), 2009.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "octet/runtime.h"
#include "octet/toolkit.h"

namespace octet {

// Measures on `threads` threads with the kernels of level `isa` (a name as SessionOptions has it): the best of several short runs of
// a packed matrix product that fits the second-level cache, and of copying. Takes about 0.1 s.
MachinePeaks measure_peaks(const std::string& isa, int threads);

// Sets limit_ms of every step. Weights come from the level that holds all of them, activations from the one that holds the step's.
void set_limits(std::span<StepProfile> steps, const MachinePeaks& peaks);

// The time that reading the whole file through a mapping takes, with its pages in the cache. Milliseconds.
double mapped_read_ms(const std::string& path);

}  // namespace octet
