// The commands that the small executable does itself.
#pragma once

namespace octet {

// octet run with arrays; pictures, videos and options it does not know go to the toolkit.
int run_arrays(int argc, char** argv);
// octet pack: a compiled model in a file.
int pack(int argc, char** argv);
// octet first-frame: what a fresh child of `bench` does. Not for users.
int first_frame(int argc, char** argv);

// Becomes octet-toolkit with the same arguments; returns an exit code only when that fails.
int start_toolkit(char** argv);

}  // namespace octet
