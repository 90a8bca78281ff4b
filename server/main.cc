// rondeld: command line, configuration, and then the server until a signal ends it.
#include <cstdio>
#include <string>

#include "config/command_line.h"
#include "config/print.h"
#include "config/reference.h"
#include "server/assembly.h"
#include "server/server.h"

namespace {

using rondel::config::Action;

int fail(const rondel::server::StartFailure& failure) {
  std::fprintf(stderr, "rondeld: %s\n", failure.text.c_str());
  return failure.exit_code;
}

int serve(rondel::server::Assembly& assembly) {
  rondel::server::Server server(assembly);
  if (auto started = server.start_blocking(); !started) {
    return fail(started.error());
  }
  server.run_blocking();
  server.stop_blocking();
  return 0;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

}  // namespace

int main(int count, char** arguments) {
  auto command_line = rondel::config::CommandLine::parse(count, arguments, RONDEL_VERSION);
  if (!command_line) {
    std::fputs(command_line.error().text.c_str(), command_line.error().code == 0 ? stdout : stderr);
    return command_line.error().code;
  }
  auto assembly = rondel::server::Assembly::make(*command_line);
  if (!assembly) {
    return fail(assembly.error());
  }
  switch (command_line->action) {
    case Action::serve:
      return serve(**assembly);
    case Action::check:
      print(command_line->config_path + ": fine\n");
      return 0;
    case Action::print_config:
      print(rondel::config::print_config(*(*assembly)->core.snapshot));
      return 0;
    case Action::print_config_reference:
      print(rondel::config::configuration_reference(
          rondel::modules::options_of((*assembly)->modules)));
      return 0;
    case Action::print_hooks:
      print((*assembly)->core.registry.hooks.to_text());
      return 0;
  }
  return 0;
}
