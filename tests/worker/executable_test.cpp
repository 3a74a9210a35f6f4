// attnbench-worker itself: how it ends. What it says is tested in this process (server_test.cpp).
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/stage.h"

using namespace attnbench;

namespace {

struct Child {
  Child() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    host = Descriptor(ends[0]);
    pid = fork();
    if (pid == 0) {
      // dup2 onto itself would keep close-on-exec.
      if (ends[1] == kControlDescriptor) ends[1] = dup(ends[1]);
      dup2(ends[1], kControlDescriptor);
      execl(WORKER_EXECUTABLE, "attnbench-worker", nullptr);
      _exit(127);
    }
    close(ends[1]);
  }
  int exit_status() {
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }
  Descriptor host;
  pid_t pid = -1;
};

}  // namespace

TEST_CASE("the worker says hello with its pid and leaves on bye", "[executable]") {
  Child child;
  Channel channel(child.host.get());
  write_frame(child.host.get(), to_frame(HelloRequest{}, 1));
  CHECK(message_from<HelloReply>(channel.receive().value()).pid == child.pid);
  write_frame(child.host.get(), to_frame(ByeRequest{}, 2));
  while (channel.receive().value().name != "done") continue;
  CHECK(child.exit_status() == 0);
}

TEST_CASE("the worker leaves when its host is gone", "[executable]") {
  Child child;
  child.host.close();
  CHECK(child.exit_status() == 0);
}

TEST_CASE("the worker leaves with 3 on a request that is none", "[executable]") {
  Child child;
  const std::string garbage(64, 'x');
  REQUIRE(write(child.host.get(), garbage.data(), garbage.size()) == 64);
  const int status = child.exit_status();
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 3);
}
