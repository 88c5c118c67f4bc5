// Stopping long jobs (quantize, bench, compare) on request.
#pragma once

namespace octet {

// Asks every long job of this process to end soon with Error(kInterrupted): temporary files are removed, an older output stays.
// May be called from a signal handler.
void request_interrupt() noexcept;
// Takes the request back.
void clear_interrupt() noexcept;
bool interrupt_requested() noexcept;

}  // namespace octet
