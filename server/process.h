// What the server asks of the kernel for its process and its threads.
#pragma once

#include <cstddef>
#include <thread>

namespace rondel::server {

/// Raises the limit of open files as far as it may go without a privilege, and returns it: shells
/// and service managers set it low for programs that know no better.
std::size_t raise_open_files_max();

/// Binds a thread to one core among those that the process may use: the first for 0, and so on.
/// Where there are not so many, it stays free.
void pin_to_core(std::thread& thread, std::size_t index);

}  // namespace rondel::server
