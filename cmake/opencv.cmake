# OpenCV's parts, found by themselves: Debian ships the CMake package only with the whole of OpenCV, which needs hundreds of
# packages that Octet does not.
find_path(OpenCV_INCLUDE_DIRS opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
set(OpenCV_LIBS)
foreach(part core imgproc imgcodecs videoio)
  find_library(OPENCV_${part}_LIBRARY opencv_${part} REQUIRED)
  list(APPEND OpenCV_LIBS ${OPENCV_${part}_LIBRARY})
endforeach()
