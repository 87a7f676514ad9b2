// Choosing a level: with made-up facts, down to the words an operator reads; and what is found on this machine.
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sandbox/ask_child.hpp"
#include "sandbox/facts.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

Facts able() {
  Facts facts;
  facts.landlock_abi = 7;
  facts.bwrap_program = "/usr/bin/bwrap";
  facts.oci_program = "/usr/bin/crun";
  return facts;
}

Facts without_namespaces(std::string why) {
  auto facts = able();
  facts.no_user_namespaces = facts.no_native = std::move(why);
  facts.bwrap_program.clear();
  facts.no_bwrap = "bubblewrap is not installed";
  facts.no_oci = "it cannot make namespaces";
  return facts;
}

const std::string disabled = "unprivileged user namespaces are disabled (user.max_user_namespaces = 0)";

std::string refusal(const Facts& facts, std::optional<Level> wanted, bool strict) {
  const auto choice = choose(facts, wanted, strict);
  return choice ? cat("chosen: ", to_text(choice->level)) : choice.error().message;
}

TEST(Choose, NativeWherePossible) {
  for (const bool strict : {false, true}) {
    const auto choice = choose(able(), std::nullopt, strict);
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->level, Level::native);
    EXPECT_EQ(choice->warning, "");
    EXPECT_EQ(choice->why,
              "namespaces of its own, a read-only root folder, Landlock and the system call filter; the strongest that is possible here");
  }
}

TEST(Choose, WhatIsAskedForIsTakenOrRefused) {
  for (const auto level : {Level::native, Level::bwrap, Level::oci, Level::restricted, Level::off}) {
    const auto choice = choose(able(), level, true);
    ASSERT_TRUE(choice) << to_text(level);
    EXPECT_EQ(choice->level, level);
    EXPECT_EQ(choice->warning.empty(), level != Level::restricted && level != Level::off) << "weaker levels are warned of";
  }
}

TEST(Choose, AnImpossibleLevelSaysWhyAndWhatToDo) {
  EXPECT_EQ(
      refusal(without_namespaces(disabled), Level::native, true),
      "sandbox=native is not possible here: unprivileged user namespaces are disabled (user.max_user_namespaces = 0). Either run as root, "
      "or enable them, or install bubblewrap (setuid) and set sandbox=bwrap, or accept weaker isolation with sandbox=restricted (Landlock "
      "ABI 7 and seccomp are available). Details: run the doctor command.");
  auto facts = without_namespaces(disabled);
  facts.root = true;
  facts.landlock_abi = 0;
  EXPECT_EQ(refusal(facts, Level::native, false),
            cat("sandbox=native is not possible here: ", disabled,
                ". Either enable them, or install bubblewrap (setuid) and set sandbox=bwrap. Details: run the doctor command."));
  EXPECT_EQ(refusal(facts, Level::restricted, false),
            "sandbox=restricted is not possible here: this kernel has no Landlock (it needs Linux 6.2 or later with `landlock` among its "
            "security modules). Accept none with sandbox=off. Details: run the doctor command.");
}

TEST(Choose, RestrictedNeedsALandlockThatKnowsOfTruncation) {
  auto facts = without_namespaces(disabled);
  facts.landlock_abi = 3;
  EXPECT_EQ(refusal(facts, Level::restricted, false), "chosen: restricted");
  facts.landlock_abi = 2;
  EXPECT_EQ(refusal(facts, Level::restricted, false),
            "sandbox=restricted is not possible here: this kernel's Landlock (ABI 2) does not keep files from being truncated (that needs "
            "Linux 6.2 or later, ABI 3). Accept none with sandbox=off. Details: run the doctor command.");
  EXPECT_EQ(refusal(facts, std::nullopt, false).find("sandbox=native is not possible here: "), 0u);
}

TEST(Choose, OtherLevelsPointAtNative) {
  auto facts = able();
  facts.no_bwrap = "bubblewrap is not installed";
  facts.no_oci = "neither crun nor runc is installed";
  EXPECT_EQ(refusal(facts, Level::bwrap, true),
            "sandbox=bwrap is not possible here: bubblewrap is not installed. Either set sandbox=native, or accept weaker isolation with "
            "sandbox=restricted (Landlock ABI 7 and seccomp are available). Details: run the doctor command.");
  EXPECT_EQ(refusal(facts, Level::oci, true).find("sandbox=oci is not possible here: neither crun nor runc is installed. "), 0u);
}

TEST(Choose, WithoutNamespacesABubblewrapThatWorksIsTaken) {
  auto facts = without_namespaces(disabled);
  facts.no_bwrap.clear();
  facts.bwrap_program = "/usr/bin/bwrap";
  EXPECT_EQ(refusal(facts, std::nullopt, true), "chosen: bwrap");
  EXPECT_NE(refusal(facts, Level::native, true).find("or set sandbox=bwrap,"), std::string::npos) << "no need to install it";
}

TEST(Choose, OnlyDevelopersFallBackAndAreTold) {
  const auto facts = without_namespaces(disabled);
  EXPECT_EQ(refusal(facts, std::nullopt, true), refusal(facts, Level::native, true)) << "a server does not start weaker than it should";
  const auto choice = choose(facts, std::nullopt, false);
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->level, Level::restricted);
  EXPECT_EQ(choice->warning,
            cat("functions see this machine's processes and network: they are kept from files and from most of the kernel only "
                "(sandbox=restricted), because ",
                disabled));
}

TEST(Choose, NothingIsNeverTakenUnasked) {
  auto facts = without_namespaces(disabled);
  facts.no_seccomp = "system call filters are refused (Operation not permitted)";
  for (const bool strict : {false, true}) EXPECT_EQ(refusal(facts, std::nullopt, strict).find("sandbox=native is not possible here: "), 0u);
  EXPECT_EQ(refusal(facts, Level::off, true), "chosen: off");
  facts = able();
  facts.no_seccomp = "system call filters are refused (Operation not permitted)";
  EXPECT_EQ(refusal(facts, std::nullopt, true).find(cat("sandbox=native is not possible here: ", facts.no_seccomp)), 0u);
}

TEST(ParseLevel, Names) {
  for (const auto level : {Level::native, Level::bwrap, Level::oci, Level::restricted, Level::off})
    EXPECT_EQ(parse_level(to_text(level)), level);
  for (const auto* text : {"", "auto", "Native", "none", "docker"}) EXPECT_EQ(parse_level(text), std::nullopt) << text;
}

TEST(AskChild, BringsBackWhatItSays) {
  EXPECT_EQ(ask_child([] { return std::vector<std::string>{"a", "", "c"}; }), (std::vector<std::string>{"a", "", "c"}));
  EXPECT_EQ(ask_child([] { return std::vector<std::string>{}; }), std::vector<std::string>{});
  EXPECT_EQ(ask_child([]() -> std::vector<std::string> { _exit(0); }), std::vector<std::string>{});
  EXPECT_EQ(ask_child(
                []() -> std::vector<std::string> {
                  for (;;) pause();
                },
                1),
            std::vector<std::string>{});
}

TEST(RunToEnd, TellsHowItEnded) {
  EXPECT_TRUE(run_to_end({"/bin/sh", "-c", "echo out; echo err >&2"}).well);
  EXPECT_EQ(run_to_end({"/bin/sh", "-c", "echo out; echo err >&2"}).text, "out\nerr\n");
  EXPECT_FALSE(run_to_end({"/bin/sh", "-c", "exit 3"}).well);
  EXPECT_FALSE(run_to_end({"/nowhere"}).well);
  EXPECT_NE(find_program("sh"), "");
  EXPECT_EQ(find_program("no-such-program-anywhere"), "");
}

TEST(FindFacts, AgreeWithEachOther) {
  const auto facts = find_facts(Thoroughness::native_first);
  EXPECT_EQ(facts.root, geteuid() == 0);
  EXPECT_NE(facts.kernel, "");
  if (!facts.no_user_namespaces.empty()) EXPECT_NE(facts.no_native, "");
  EXPECT_NE(facts.memory_detail, "");
  if (facts.memory == MemoryMechanism::watchdog) EXPECT_FALSE(facts.pids_controller || facts.cpu_controller);
}

}  // namespace
}  // namespace sallyport::sandbox
