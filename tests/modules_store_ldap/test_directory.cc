#include "tests/modules_store_ldap/test_directory.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.h"

namespace rondel::modules::store_ldap {

std::unique_ptr<TestDirectory> TestDirectory::start_blocking() {
  int to[2];
  int from[2];
  const char* root = std::getenv("RONDEL_SOURCE_DIR");
  EXPECT_NE(root, nullptr) << "RONDEL_SOURCE_DIR must name the tree";
  const std::string script =
      std::string(root ? root : ".") + "/tests/modules_store_ldap/directory.py";
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) {
    return nullptr;
  }
  std::unique_ptr<TestDirectory> made(new TestDirectory());
  made->child_ = ::fork();
  if (made->child_ == 0) {
    ::dup2(to[0], 0);
    ::dup2(from[1], 1);
    ::execlp("/usr/bin/python3", "python3", script.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  made->input_ = ::fdopen(to[1], "w");
  made->output_ = ::fdopen(from[0], "r");
  std::istringstream line(made->read_line());
  line >> made->uri_ >> made->tls_uri_ >> made->relay_uri_ >> made->folder_;
  if (!made->uri_.starts_with("ldap:")) {
    return nullptr;
  }
  return made;
}

TestDirectory::~TestDirectory() {
  if (input_ != nullptr) {
    std::fclose(input_);
    std::fclose(output_);
    ::waitpid(child_, nullptr, 0);
  }
}

std::string TestDirectory::read_line() {
  std::string line;
  for (int c = std::fgetc(output_); c != EOF && c != '\n'; c = std::fgetc(output_)) {
    line += static_cast<char>(c);
  }
  return line;
}

void TestDirectory::tell(const std::string& command) {
  std::fprintf(input_, "%s\n", command.c_str());
  std::fflush(input_);
  EXPECT_EQ(read_line(), "ok") << command;
}

void TestDirectory::tell_with_file(const std::string& command, const std::string& ldif) {
  const std::string path = file("command.ldif");
  std::ofstream(path) << ldif;
  tell(command + " " + path);
}

LdapOptions TestDirectory::options() const {
  LdapOptions options;
  options.connections = 2;
  options.connection.servers = {uri_};
  options.connection.has_starttls = false;
  options.connection.bind_dn = kReader;
  options.connection.password.file = file("password");
  options.connection.connect_timeout = std::chrono::milliseconds(2000);
  options.connection.operation_timeout = std::chrono::milliseconds(5000);
  options.connection.retry_first = std::chrono::milliseconds(20);
  options.connection.retry_max = std::chrono::milliseconds(100);
  options.connection.page_size = 200;
  for (const char* name : {"example.org", "example.net"}) {
    HostDirectory host;
    host.host = name;
    host.base = std::string("ou=") + name + ",dc=example,dc=org";
    host.filter = "(&(objectClass=inetOrgPerson)(uid=%u))";
    host.disabled_filter = "(loginDisabled=TRUE)";
    host.principal_attribute = "krbPrincipalName";
    host.certificate_attribute = "userCertificate;binary";
    host.xmpp_attribute = "xmppAddress";
    host.email_attribute = "mail";
    host.common_name_attribute = "displayName";
    host.certificate_refresh = std::chrono::milliseconds(200);
    options.hosts.push_back(std::move(host));
  }
  return options;
}

std::string dn(const std::string& name, const std::string& host) {
  return "cn=" + name + ",ou=" + host + ",dc=example,dc=org";
}

std::string group(const std::string& name,
                  const std::string& host,
                  const std::vector<std::string>& members) {
  std::string text = "dn:: " + base::base64_encode(dn(name, host)) +
                     "\nobjectClass: groupOfNames\ncn:: " + base::base64_encode(name) + "\n";
  for (const std::string& member : members) {
    text += "member:: " + base::base64_encode(member) + "\n";
  }
  return text + "\n";
}

std::string person(const std::string& name,
                   const std::string& host,
                   const std::vector<std::pair<std::string, std::string>>& attributes) {
  std::string text = "dn:: " + base::base64_encode(dn(name, host)) +
                     "\nobjectClass: inetOrgPerson\nobjectClass: chatter\nsn: x\ncn:: " +
                     base::base64_encode(name) + "\n";
  for (const auto& [attribute, value] : attributes) {
    text += attribute + ":: " + base::base64_encode(value) + "\n";
  }
  return text + "\n";
}

}  // namespace rondel::modules::store_ldap
