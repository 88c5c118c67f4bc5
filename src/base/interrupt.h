// Where long loops look whether somebody asked them to stop.
#pragma once

#include "octet/interrupt.h"

namespace octet {

// Throws Error(kInterrupted) when it was asked for. Costs one relaxed load: call it once per frame or layer.
void check_interrupt();

}  // namespace octet
