# ATTNBENCH_CUDA_INCLUDE, ATTNBENCH_CUDNN_INCLUDE, ATTNBENCH_CUDNN_FRONTEND_INCLUDE: the headers that
# our GPU providers are built with. All are looked for in .cuda/ first (scripts/bootstrap --cuda), then
# in a CUDA Toolkit. No library is needed to build: they are opened at run time.
set(cuda_places HINTS ${PROJECT_SOURCE_DIR}/.cuda $ENV{CUDA_HOME} /usr/local/cuda PATH_SUFFIXES include)
find_path(ATTNBENCH_CUDA_INCLUDE cublasLt.h ${cuda_places} DOC "CUDA's headers")
find_path(ATTNBENCH_CUDNN_INCLUDE cudnn_backend.h ${cuda_places} DOC "cuDNN's headers")
find_path(ATTNBENCH_CUDNN_FRONTEND_INCLUDE cudnn_frontend.h ${cuda_places}
  DOC "cudnn-frontend's headers")
