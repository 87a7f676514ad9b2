#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

Result<std::string> version_of(const std::string& program) { return spawners->off->version_of(program); }

class InterpretersTest : public testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/interpreters-test-XXXXXX";
    folder = fs::canonical(mkdtemp(name));
    if (const char* value = getenv("HOME")) home = value;
    setenv("HOME", folder.c_str(), 1);  // nobody's version manager takes part
    for (const char* program : {"a/python3.11", "a/python3.9", "b/python3.11", "b/python3.14"}) install(program, "");
    install("a/node", "echo v18.19.0");
    install("b/node", "echo v22.1.0");
    fs::create_directories(folder + "/a/python3.12");
  }
  void TearDown() override {
    setenv("HOME", home.c_str(), 1);
    fs::remove_all(folder);
  }
  void install(const std::string& name, std::string_view script) {
    const auto path = cat(folder, "/", name);
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    chmod(path.c_str(), 0755);
  }
  Interpreters with(bool strict, std::map<std::string, std::string> mapped = {}) {
    return Interpreters({std::move(mapped), strict, {folder + "/a", folder + "/b"}, version_of});
  }
  std::string found(Interpreters interpreters, std::string_view runtime) {
    const auto interpreter = interpreters.find(runtime);
    if (!interpreter) return interpreter.error().message;
    return cat(interpreter->path.substr(folder.size()), " ", interpreter->version, interpreter->exact ? " exact" : " near");
  }
  std::string folder, home = "/";
};

TEST_F(InterpretersTest, TheExactVersionIsTakenWhereItIsFirst) {
  EXPECT_EQ(found(with(false), "python3.11"), "/a/python3.11 3.11 exact");
  EXPECT_EQ(found(with(true), "python3.14"), "/b/python3.14 3.14 exact");
  EXPECT_EQ(found(with(true), "nodejs22.x"), "/b/node 22 exact");
}

TEST_F(InterpretersTest, TheNearestVersionStandsIn) {
  EXPECT_EQ(found(with(false), "python3.12"), "/a/python3.11 3.11 near") << "a folder of the right name is no program";
  EXPECT_EQ(found(with(false), "python3.8"), "/a/python3.9 3.9 near");
  EXPECT_EQ(found(with(false), "nodejs24.x"), "/b/node 22 near");
  EXPECT_EQ(found(with(false), "nodejs16.x"), "/a/node 18 near");
}

TEST_F(InterpretersTest, StrictRefusesAndSaysWhatWasSearched) {
  const auto folders = cat(folder, "/a:", folder, "/b");
  EXPECT_EQ(found(with(true), "python3.12"),
            cat("no python3.12 in ", folders, "; the nearest is ", folder, "/a/python3.11 (3.11), which strict runtimes do not allow"));
  EXPECT_EQ(found(with(true), "nodejs20.x"),
            cat("no node 20 in ", folders, "; the nearest is ", folder, "/a/node (18), which strict runtimes do not allow"));
}

TEST_F(InterpretersTest, NothingAtAllIsSaidToo) {
  EXPECT_EQ(found(Interpreters({{}, false, {folder}}), "nodejs20.x"),
            cat("no node 20 in ", folder, ", and no other version either; install one or map it with --runtime nodejs20.x=PROGRAM"));
}

TEST_F(InterpretersTest, AMappedProgramWins) {
  EXPECT_EQ(found(with(true, {{"python3.12", folder + "/b/python3.14"}}), "python3.12"), "/b/python3.14 3.12 exact");
  EXPECT_EQ(found(with(true, {{"python3.12", folder + "/nothing"}}), "python3.12"),
            cat("the program configured for python3.12, `", folder, "/nothing`, cannot be run"));
}

TEST_F(InterpretersTest, ReleaseAndSdkAreThoseOfTheProgram) {
  install("b/bin/python3.14", "echo Python 3.14.2");
  const auto find = [&](std::string_view runtime, std::map<std::string, std::string> mapped = {}) {
    return *with(false, std::move(mapped)).find(runtime);
  };
  const auto mapped = [&] { return find("python3.12", {{"python3.12", folder + "/b/bin/python3.14"}}); };
  EXPECT_EQ(mapped().release, "3.14.2");
  EXPECT_EQ(find("nodejs22.x").release, "22.1.0");
  EXPECT_EQ(find("python3.11").release, "") << "it says nothing";
  EXPECT_FALSE(has_boto3(mapped()));
  install("b/lib/python3.14/site-packages/boto3/__init__.py", "");
  EXPECT_TRUE(has_boto3(mapped()));
  EXPECT_FALSE(has_boto3(find("python3.11")));
}

TEST_F(InterpretersTest, VersionManagersAreSearchedToo) {
  install(".pyenv/versions/3.12.1/bin/python3.12", "");
  install(".nvm/versions/node/v20.9.0/bin/node", "echo v20.9.0");
  EXPECT_EQ(found(with(true), "python3.12"), "/.pyenv/versions/3.12.1/bin/python3.12 3.12 exact");
  EXPECT_EQ(found(with(true), "nodejs20.x"), "/.nvm/versions/node/v20.9.0/bin/node 20 exact");
}

TEST_F(InterpretersTest, ShimsAreNoInterpreters) {
  install("shims/python3.12", "exit 127");
  install("shims/node", "echo v20.0.0");
  const Interpreters::Options options{{}, false, {folder + "/shims", folder + "/a"}, version_of};
  EXPECT_EQ(found(Interpreters(options), "python3.12"), "/a/python3.11 3.11 near");
  EXPECT_EQ(found(Interpreters(options), "nodejs20.x"), "/a/node 18 near");
}

TEST_F(InterpretersTest, AMappedShimLeadsToTheProgramBehindIt) {
  install(".pyenv/shims/python3.12", "exit 127");
  install(".pyenv/versions/3.12.1/bin/python3.12", "");
  install(".pyenv/versions/3.12.7/bin/python3.12", "");
  const std::map<std::string, std::string> mapped = {{"python3.12", folder + "/.pyenv/shims/python3.12"}};
  EXPECT_EQ(found(with(true, mapped), "python3.12"), "/.pyenv/versions/3.12.7/bin/python3.12 3.12 exact");
  std::ofstream(folder + "/.pyenv/version") << "3.12.1\n";
  EXPECT_EQ(found(with(true, mapped), "python3.12"), "/.pyenv/versions/3.12.1/bin/python3.12 3.12 exact") << "the selected one";
}

TEST_F(InterpretersTest, AProgramBringsItsFolderAlong) {
  install("python/bin/python3.12", "");
  fs::create_directories(folder + "/venv/bin");
  fs::create_symlink(folder + "/python/bin/python3.12", folder + "/venv/bin/python3.12");
  const auto of = [&](const std::string& program) { return *with(true, {{"python3.12", program}}).find("python3.12"); };
  EXPECT_EQ(of(folder + "/python/bin/python3.12").read_only, std::vector{folder + "/python"});
  EXPECT_EQ(of(folder + "/venv/bin/python3.12").path, folder + "/python/bin/python3.12") << "links may lead where a function does not look";
  std::ofstream(folder + "/venv/pyvenv.cfg") << "home = x\n";
  EXPECT_EQ(of(folder + "/venv/bin/python3.12").path, folder + "/venv/bin/python3.12") << "which tells a virtual environment";
  EXPECT_EQ(of(folder + "/venv/bin/python3.12").read_only, (std::vector{folder + "/venv", folder + "/python"}));
  EXPECT_TRUE(of("/bin/sh").read_only.empty());
}

TEST_F(InterpretersTest, AFolderWithMoreInItIsNotBroughtAlong) {
  install("server/python/bin/python3.12", "");
  fs::create_directories(folder + "/server/python/state");
  const auto of = [&](const std::string& program, std::vector<std::string> kept_away = {}) {
    Interpreters interpreters({{{"python3.12", folder + program}}, true, {}, version_of, std::move(kept_away)});
    return interpreters.find("python3.12")->read_only;
  };
  for (const std::string prefix : {"", "/.local"}) {
    install(prefix.substr(prefix.empty() ? 0 : 1) + "/bin/python3.12", "");
    EXPECT_EQ(of(prefix + "/bin/python3.12"), std::vector{folder + prefix + "/bin/python3.12"}) << "a home, here";
    fs::create_directories(folder + prefix + "/lib/python3.12");
    fs::create_directories(folder + prefix + "/lib/firefox");
    EXPECT_EQ(of(prefix + "/bin/python3.12"), (std::vector{folder + prefix + "/lib/python3.12", folder + prefix + "/bin/python3.12"}));
  }
  install("python3.12", "");
  EXPECT_EQ(of("/python3.12").back(), folder + "/python3.12") << "not all of the home";
  EXPECT_EQ(of("/server/python/bin/python3.12"), std::vector{folder + "/server/python"});
  EXPECT_EQ(of("/server/python/bin/python3.12", {folder + "/server/python/state/sallyport"}),
            std::vector{folder + "/server/python/bin/python3.12"});
  EXPECT_EQ(of("/server/python/bin/python3.12", {folder + "/server/pythons"}), std::vector{folder + "/server/python"});
}

TEST(RuntimeFamily, OnlyWhatRunsHereIsKnown) {
  for (const char* runtime : {"python3.8", "python3.14"}) EXPECT_EQ(family_of(runtime), RuntimeFamily::python) << runtime;
  for (const char* runtime : {"nodejs18.x", "nodejs24.x"}) EXPECT_EQ(family_of(runtime), RuntimeFamily::node) << runtime;
  for (const char* runtime : {"provided.al2", "provided.al2023"}) EXPECT_EQ(family_of(runtime), RuntimeFamily::provided) << runtime;
  for (const char* runtime : {"java21", "python3.7", "python3.15", "python3.x", "nodejs21.x", "nodejs26.x", "nodejs22", "provided", ""})
    EXPECT_FALSE(family_of(runtime)) << runtime;
}

}  // namespace
}  // namespace sallyport::runtime
