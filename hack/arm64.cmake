# The cross compiler of Debian for arm64, and the emulator that runs what it built. Libraries come
# from AKH_DEPS alone, the compiler's own libgcc.a apart.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
find_program(AKH_EMULATOR qemu-aarch64-static)
if(AKH_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${AKH_EMULATOR})
endif()
