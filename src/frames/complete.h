// Whether a picture file is whole: decoders fill up what a truncated file lacks, with gray for instance, and call that a success.
#pragma once

#include <cstddef>
#include <span>

namespace octet {

// False where the bytes are those of a JPEG or PNG that ends before its end marker. What else is wrong with them is the decoder's
// business, and so are other formats. What stands behind the end marker does not matter.
bool is_complete_picture(std::span<const std::byte> bytes);

}  // namespace octet
