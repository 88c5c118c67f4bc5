// The smallest program on octet::runtime: opens a model and runs it.
#include <cstdio>

#include <octet/arrays.h>
#include <octet/runtime.h>
#include <octet/version.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    octet::Session session = octet::Session::open(argv[1]);
    std::vector<octet::Tensor> inputs = octet::random_inputs(session.inputs(), octet::input_shapes(session));
    const std::vector<octet::Tensor>& outputs = session.run(inputs);
    std::printf("octet %s: %s %s\n", octet::version(), session.outputs()[0].name.c_str(), outputs[0].shape().to_string().c_str());
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
