// The language: each construct, and what stands around it. Where a line says "recorded", API Gateway's own answer is known.
#include "vtl/template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/text.hpp"
#include "vtl/testing.hpp"

namespace sallyport::vtl {
namespace {

using testing::FakeContext;

std::string render(std::string_view text, const Context& context = FakeContext()) {
  const auto compiled = Template::compile(text);
  if (!compiled) return cat("compile: ", compiled.error().message);
  const auto rendered = compiled->render(context);
  return rendered ? rendered->text : cat("render: ", rendered.error().message);
}

std::string refusal(std::string_view text) {
  const auto compiled = Template::compile(text);
  return compiled ? "" : compiled.error().message;
}

struct Case {
  std::string_view text, expected;
};
void expect(std::initializer_list<Case> cases) {
  for (const auto& [text, expected] : cases) EXPECT_EQ(render(text), expected) << text;
}

TEST(References, FormsOfOne) {
  expect({{"#set($s = 'v')$s ${s} $!s $!{s} ${s}x $s. $s.5 $s, $s", "v v v v vx v. v.5 v, v"},
          {"#set($a-b = 1)$a-b", "1"},
          {"#set($m = {'a': {'b': [10, 20]}})$m.a.b[1] ${m.a.b[0]} $m['a']['b'][-1] $m[\"a\"].b.get(0)", "20 10 20 10"},
          {"#set($i = 1)#set($l = ['x', 'y'])$l[$i] $l[ 0 ]", "y x"},
          {"$$s#set($s=1)$$s", "$$1"},
          {"${1} $1 $ a $- $[ $( ${", "${1} $1 $ a $- $[ $( ${"}});
}

// Recorded: Velocity would print the reference, API Gateway prints nothing.
TEST(References, WhatIsNotThereIsEmptyText) {
  expect({{"[$no] [${no}] [$!no] [$no.a.b] [$no.f('x')] [$no[3]]", "[] [] [] [] [] []"},
          {"#set($m = {'a': 1})[$m.b] [$m.a.b] [$m.get('q')]", "[] [] []"},
          {"#set($s = 'text')[$s.length] [$s.nothing()] [$s.class] [$s.getClass()] [$s.class.name]", "[] [] [] [] []"}});
}

TEST(References, EmptyTextCountsAsTrue) {
  // Recorded, each of them.
  expect({{"#if($no)yes#end", "yes"},
          {"#if($no.a.b)yes#{else}no#end", "yes"},
          {"#if(!$no)yes#{else}no#end", "no"},
          {"#if($no == '')yes#end", "yes"},
          {"#if($no == $null)yes#end", "yes"},
          {"#set($m = {})#set($x = $m.put('k', null))#if(\"$m.k\" == '')none#end", "none"}});
}

TEST(References, Escapes) {
  expect({{R"(#set($s = 'v')\$s \\$s \\\$s \$no)", R"($s \v \$s $no)"},
          {R"(\#if \#set($no) \#foo \\#foo \# end a\b c\\d)", R"(#if #set() \#foo \\#foo \# end a\b c\\d)"},
          {R"(\\#if(true)x#end)", R"(\x)"},
          {R"(\${no} \$!no)", R"(${no} $!no)"}});
}

TEST(Literals, Kinds) {
  expect(
      {{"#set($x = 10)$x;#set($x = -3)$x;#set($x = 2.50)$x;#set($x = .5)$x;#set($x = 1e3)$x", "10;-3;2.5;0.5;1000.0"},
       {"#set($x = true)$x;#set($x = false)$x", "true;false"},
       {"#set($x = [1, 'a', [2], {'k': 'v'}])$x;#set($x = [])$x", "[1, a, [2], {k=v}];[]"},
       {"#set($x = {'b': 1, 'a': {'c': []}})$x;#set($x = {})$x", "{b=1, a={c=[]}};{}"},
       {"#set($x = [1..4])$x;#set($x = [2..-1])$x", "[1, 2, 3, 4];[2, 1, 0, -1]"},
       {"#set($n = 3)#foreach($i in [$n .. 5])$i#end", "345"},
       {"#set($x = 99999999999999999999)$x", "99999999999999999999"},
       {"#set($x = 123456789.0)$x;#set($x = 0.0001)$x;#set($x = 0.001)$x;#set($x = 9999999.0)$x", "1.23456789E8;1.0E-4;0.001;9999999.0"}});
}

TEST(Literals, Strings) {
  expect({{"#set($n = 'N')#set($x = \"a $n ${n}b\")$x", "a N Nb"},
          {"#set($n = 'N')#set($x = 'a $n')$x", "a $n"},
          {R"(#set($x = "say ""hi""")$x;#set($x = 'it''s')$x)", R"(say "hi";it's)"},
          {R"(#set($x = "\n\t\{")$x;#set($x = '\n')$x)", R"(\n\t\{;\n)"},  // recorded: no escapes but \u
          {R"(#set($x = "\u00e9")$x;#set($x = '\u00e9')$x)", "\u00e9;\\u00e9"},
          {R"(#set($x = "a # b $ c")$x;#set($x = "#")$x;#set($x = "$")$x)", "a # b $ c;#;$"},
          {R"(#set($f = false)#set($x = "1#if($f)2#{else}3#end")$x)", "13"},
          {R"(#set($n = 1)#set($x = "\$n")$x)", "$n"},
          {R"(#set($n = 1)#set($x = "$n##gone")[$x])", "[1]"}});
}

TEST(Expressions, Arithmetic) {
  expect({{"#set($x = 1 + 2 * 3 - 4 / 2)$x;#set($x = (1 + 2) * 3)$x;#set($x = 7 % 4)$x;#set($x = -7 / 2)$x;#set($x = -7 % 3)$x",
           "5;9;3;-3;-1"},
          {"#set($x = 100.0 / 50)$x;#set($x = 0.1 + 0.2)$x;#set($x = 5 / 2.0)$x", "2.0;0.30000000000000004;2.5"},
          {"#set($x = 'a' + 1 + 2)$x;#set($x = 1 + 2 + 'a')$x", "a12;3a"},
          {"#set($x = 5)#set($x = 1 / 0)$x;#set($x = [1] + 1)$x;#set($x = 1 - 'a')$x", "5;5;5"},
          {"#set($x = 9223372036854775807 + 1)$x;#set($x = 99999999999999999999 * 2)$x", "9223372036854775808;199999999999999999998"},
          {"#set($n = 5)#set($x = $n - -5)$x;#set($x = $n*-1)$x", "10;-5"}});
  EXPECT_THAT(render("#set($x = 99999999999999999999 * 99999999999999999999 * 10)"), ::testing::HasSubstr("128 bits"));
}

TEST(Expressions, ComparisonAndLogic) {
  const auto truth = [](std::string_view expression) {
    return render(cat("#set($n = 5)#set($s = 'text')#set($t = true)#set($f = false)#if(", expression, ")1#{else}0#end"));
  };
  for (const std::string_view yes : {"$n == 5",
                                     "$n eq 5.0",
                                     "$n == '5'",
                                     "$t == 'true'",
                                     "$n != 4",
                                     "$n ne 4",
                                     "$n > 4",
                                     "$n gt 4",
                                     "$n >= 5",
                                     "$n ge 5",
                                     "$n < 6",
                                     "$n lt 6",
                                     "$n <= 5",
                                     "$n le 5",
                                     "$t && $n",
                                     "$t and $t",
                                     "$f || $t",
                                     "$f or $t",
                                     "!$f",
                                     "not $f",
                                     "!!$t",
                                     "!($n == 4)",
                                     "$n > 3 && $n < 9",
                                     "$n+1 == 6",
                                     "($t)",
                                     "[1,'a'] == [1,'a']",
                                     "{'a': 1} == {'a': 1}",
                                     "1 == 1 == true",
                                     "$f && $f || $t",
                                     "$s"})
    EXPECT_EQ(truth(yes), "1") << yes;
  for (const std::string_view no : {"$n == 4", "'a' < 'b'", "$s > 1", "$f", "$f && $t", "$t and $f", "$f or $f", "!$t", "0", "1", "''",
                                    "'x'", "[]", "{}", "1 + 1", "$t && 1", "$n == $s", "$f == true"})
    EXPECT_EQ(truth(no), "0") << no;
  EXPECT_EQ(render("#set($l = [])#set($f = false)#if($f && $l.add(1))x#end#if(!$f || $l.add(1))y#end$l"), "y[]");  // stops early
}

TEST(Directives, If) {
  const std::string_view text = "#if($a == 1)one#elseif($a == 2)two#elseif($a == 3)three#{else}many#end";
  for (const auto& [value, expected] : {Case{"1", "one"}, {"2", "two"}, {"3", "three"}, {"4", "many"}})
    EXPECT_EQ(render(cat("#set($a = ", value, ")", text)), expected);
  expect({{"#if(true)a#end#if(false)b#end#{if}(true)c#{end}d", "acd"}, {"#if(false)a#elsewhere#end", ""}, {"#if\n( true )x#end", "x"}});
}

TEST(Directives, Foreach) {
  expect({{"#foreach($i in ['a', 'b', 'c'])$foreach.index$foreach.count$velocityCount$i#if($foreach.hasNext),#end#end", "011a,122b,233c"},
          {"#foreach($i in [1..3])#if($foreach.first)<#end$i#if($foreach.last)>#end#end", "<123>"},
          {"#foreach($i in [1..3])$i#if($velocityHasNext),#end#end", "1,2,3"},
          {"#foreach($v in {'a': 1, 'b': 2})$v;#end", "1;2;"},
          {"#foreach($e in {'a': 1, 'b': 2}.entrySet())#end", "compile: line 1, column 32: `.` is no value"},
          {"#set($m = {'a': 1, 'b': 2})#foreach($e in $m.entrySet())$e.key=$e.value;#end", "a=1;b=2;"},
          {"#foreach($i in [1, 2])#foreach($j in [3, 4])$foreach.parent.index$foreach.topmost.count$foreach.index #end#end",
           "010 011 120 121 "},
          {"#foreach($i in $no)x#end#foreach($i in 'text')x#end#foreach($i in 5)x#end#foreach($i in [])x#end", ""},
          {"#foreach($i in [1..9])#if($i == 3)#break#end$i#end", "12"},
          {"#foreach($i in [1, 2])#foreach($j in [1..9])#if($j == 2)#break#end$j#end|#end", "1|1|"},
          // Recorded: the variable of the loop is the outer one again afterwards, others stay.
          {"#set($i = 1)$i,#foreach($i in [2, 3])$i,#set($i = 9)#set($x = $foreach.count)#end$i,$x", "1,2,3,1,2"},
          {"#foreach($i in [1])#end[$i$velocityCount$foreach]", "[]"}});
}

TEST(Directives, SetOfMembers) {
  expect({{"#set($m = {})#set($m.a = 1)#set($m['b c'] = 2)#set($m.d = {})#set($m.d.e = 3)$m", "{a=1, b c=2, d={e=3}}"},
          {"#set($l = [1, 2, 3])#set($l[0] = 9)#set($l[-1] = 7)$l", "[9, 2, 7]"},
          {"#set($a = {})#set($b = $a)#set($b.x = 1)$a", "{x=1}"},
          {"#set($no.x = 1)#set($m = {'a': 1})#set($m.a.b = 2)#set($m.q.r = 2)[$no]$m", "[]{a=1}"},
          {"#set($x = $no)[$x]", "[]"}});
}

TEST(Directives, StopDefineMacroLiteral) {
  expect({{"hello #stop world", "hello "},
          {"#foreach($i in [1..3])$i#if($i == 2)#stop#end#end never", "12"},
          {"#define($b)<$i>#end#foreach($i in [1, 2])$b#end$b", "<1><2><>"},
          {"#define($b)hi#end$b()$b()", "hi()hi()"},  // recorded
          {"#define($b)v#end#set($x = \"[$b]\")$x#if($b == 'v')=#end", "[v]="},
          // Recorded: macros are read and never called, #evaluate is text.
          {"#macro(twice $x)$x$x#end#twice(1)", "#twice(1)"},
          {"#evaluate($x)", "#evaluate($x)"},
          {"#unknown #unknown($a, 'b') #{unknown} #13ff93 \"#\"", "#unknown #unknown($a, 'b') #{unknown} #13ff93 \"#\""},
          {"#literal()$x #if(true)y#end#end!", "$x #if(true)y#end!"},
          {"#[[ $x #if ]]#!", " $x #if !"}});
  EXPECT_THAT(render("#define($b)$b#end$b"), ::testing::HasSubstr("leads back to itself"));
}

TEST(Directives, Comments) {
  expect({{"## first\nStuff\nMore## rest $no", "Stuff\nMore"},      // recorded
          {"Stuff#*\n comment *#\n and more", "Stuff\n and more"},  // recorded
          {"a#** doc *#b#**#c", "abc"},
          {"#set($m = {'a': 1})$m.a## stays\nx", "1## stays\nx"},  // as Velocity's lexer has it, behind a property
          {"#set($m = {'a': 1})${m.a}## goes\nx", "1x"}});
}

// What a line with a directive leaves behind.
TEST(Directives, WhiteSpace) {
  expect({{"#set($a = 1)  \nB", "B"},
          {"  #set($a = 1)\nB", "B"},
          {"x\n  #set($a = 1)\nB", "x\n  B"},  // recorded: only what a directive before it leaves is eaten
          {"#set($a = 1)\n  #set($b = 2)\n$a$b", "12"},
          {"#if(true)\n  y\n#end\nB", "  y\nB"},
          {"  #if(true)\n  y\n  #end\nB", "    y\n  B"},
          {"#if(false)\na\n#else  \nb\n#end\nc", "b\nc"},
          {"#foreach($i in [1, 2])\n$i\n#end\nX", "1\n2\nX"},
          {"#if(true)\r\nx\r\n#end\r\ny", "x\r\ny"},
          {"#if(true)  x#end  y", "  x  y"}});
}

TEST(Compile, RefusesWithThePlace) {
  EXPECT_EQ(refusal("ab\n  #if($x\n"), "line 3, column 1: `#if` needs `)` here");
  EXPECT_EQ(refusal("#end"), "line 1, column 1: `#end` without the directive it belongs to");
  EXPECT_EQ(refusal("x\n#foreach($i in [1])"), "line 2, column 1: `#foreach` without its `#end`");
  EXPECT_EQ(refusal("#set($x = \"$(\n)\")#set($y = \"#if\")"), "line 2, column 14: `#if` needs `(`");  // within a text: its place
  for (const std::string_view wrong : {"#if(true)",
                                       "#else",
                                       "#if(true)a#{else}b#{else}c#end",
                                       "#if(true)x#end#end",
                                       "#if true",
                                       "#set($x)",
                                       "#set($x = )",
                                       "#set(x = 1)",
                                       "#set($x = 1",
                                       "#set($x = foo)",
                                       "#set($x = [1,])",
                                       "#set($x = [ ])",
                                       "#set($x = {'a'})",
                                       "#set($x = 5 -1)",
                                       "#set($x = 'a)",
                                       "#set($x = (1)",
                                       "${name",
                                       "$x[abc]",
                                       "$x[1",
                                       "$x.f('a'",
                                       "$x.f(1 + 2)",
                                       "$x.f(*)",
                                       "#foreach($i)x#end",
                                       "#foreach",
                                       "#define()x#end",
                                       "#macro",
                                       "#macro()x#end",
                                       "#macro(if)x#end",
                                       "#parse('x')",
                                       "#include('x')",
                                       "#[[x",
                                       "#foo(1 + 2)",
                                       "#foo(",
                                       "Hello $",
                                       "#",
                                       "$true",
                                       "#set($x = \"#end\")",
                                       "#set($x = \"\\uZZZZ\")",
                                       "#set($x = \"\\ud800\")",
                                       "#@block()x#end",
                                       "#break($x)",
                                       "$x.matches('(')",
                                       "$x.replaceAll('(?=a)', '')",
                                       "$x.matches('[a-z&&[b]]')"})
    EXPECT_NE(refusal(wrong), "") << wrong;
}

TEST(Limits, SizeAndDepth) {
  EXPECT_EQ(refusal(std::string(limits::template_bytes_max, 'a')), "");
  EXPECT_NE(refusal(std::string(limits::template_bytes_max + 1, 'a')), "");
  const auto nested = [](std::string_view open, std::string_view inside, std::string_view close, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += open;
    text += inside;
    for (int i = 0; i < times; ++i) text += close;
    return text;
  };
  EXPECT_EQ(render(nested("#if(true)", "x", "#end", limits::depth_max - 2)), "x");
  EXPECT_THAT(refusal(nested("#if(true)", "x", "#end", 5'000)), ::testing::HasSubstr("nests deeper"));
  for (const auto& [open, inside, close] :
       {std::tuple{"(", "1", ")"}, {"[", "1", "]"}, {"{'a':", "1", "}"}, {"$x.f(", "1", ")"}, {"$x[", "1", "]"}})
    EXPECT_THAT(refusal(cat("#set($y = ", nested(open, inside, close, 10'000), ")")), ::testing::HasSubstr("nests deeper")) << open;
  // Long is not deep.
  std::string sum = "#set($x = 1";
  for (int i = 0; i < 50'000; ++i) sum += " + 1";
  EXPECT_EQ(render(sum + ")$x"), "50001");
  std::string steps = "#set($x = !";
  steps += std::string(100'000, '!') + "$t)$x";
  EXPECT_EQ(render(steps), "false");
}

TEST(Limits, LoopsStepsOutput) {
  EXPECT_EQ(render("#foreach($i in [1..1000])#end$i"), "");
  EXPECT_THAT(render("\n#foreach($i in [1..1001])#end"), ::testing::HasSubstr("line 2, column 1: `#foreach` takes more than 1000 rounds"));
  EXPECT_THAT(render("#foreach($i in [1..1000])#foreach($j in [1..1000])x#end#end"), ::testing::HasSubstr("steps"));
  EXPECT_THAT(render("#set($x = [1..2000000000])"), ::testing::HasSubstr("steps"));
  EXPECT_THAT(render("#set($x = 'aaaaaaaaaaaaaaaa')#foreach($i in [1..40])#set($x = \"$x$x\")#end"), ::testing::HasSubstr("bytes"));
  EXPECT_THAT(render("#set($x = 'aaaaaaaaaaaaaaaa')#foreach($i in [1..40])#set($x = $x + $x)#end"), ::testing::HasSubstr("bytes"));
  EXPECT_THAT(render("#set($x = 'aaaaaaaaaaaaaaaa')#foreach($i in [1..40])#set($x = $x.replace('aaaaaaaaaaaaaaaa', \"$x$x\"))#end"),
              ::testing::HasSubstr("bytes"));
  EXPECT_THAT(render("#set($x = 'aaaaaaaaaaaaaaaa')#foreach($i in [1..40])#set($x = $x.replaceAll('a{16}', \"$x$x\"))#end"),
              ::testing::HasSubstr("bytes"));
  EXPECT_THAT(render("#set($l = [1])#foreach($i in [1..40])#set($x = $l.addAll($l))#end"), ::testing::HasSubstr("steps"));
}

TEST(Limits, ValuesWithinThemselves) {
  EXPECT_THAT(render("#set($l = [])#set($x = $l.add($l))$l"), ::testing::HasSubstr("nests deeper"));
  EXPECT_THAT(render("#set($m = {})#set($m.m = $m)$m"), ::testing::HasSubstr("nests deeper"));
  EXPECT_THAT(render("#set($a = [])#set($b = [])#set($x = $a.add($a))#set($x = $b.add($b))#if($a == $b)y#end"),
              ::testing::HasSubstr("nests deeper"));
  EXPECT_EQ(render("#set($l = [])#foreach($i in [1..1000])#set($l = [$l])#end$l.size()"), "1");  // freed without recursion
}

// A search is linear in text and pattern, whatever they are.
TEST(Limits, SearchesAreLinear) {
  FakeContext context;
  context.body_text.assign(4 << 20, 'a');
  context.parameters = *json::parse(cat(R"({"header": {"part": ")", std::string(100'000, 'a'), R"(b"}})"));
  EXPECT_EQ(render("$input.body.contains($input.params('part')) $input.body.lastIndexOf($input.params('part'))", context), "false -1");
  EXPECT_EQ(render("$input.body.matches('(a*)*b')", context), "false");
  EXPECT_EQ(render("#set($x = $input.body.replaceAll('a+', 'x'))$x$input.body.replaceFirst('a(.*b)?', '').length()", context), "x4194303");
  for (const std::string_view costly : {"replaceAll('a(.*b)?', '')", "replaceAll('a', '')", "split('a').size()", "replace('a', '')"})
    EXPECT_THAT(render(cat("$input.body.", costly), context),
                ::testing::AnyOf(::testing::HasSubstr("too long"), ::testing::HasSubstr("steps")))
        << costly;
}

TEST(Threads, ShareOneTemplate) {
  const auto compiled = Template::compile("#set($l = [1, 2])#foreach($i in $l)$i$input.path('$.a').replaceAll('x+', 'y')#end");
  ASSERT_TRUE(compiled);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([copy = *compiled] {
      const FakeContext context(R"({"a": "axx"})");
      for (int i = 0; i < 200; ++i) EXPECT_EQ(copy.render(context)->text, "1ay2ay");
    });
}

// What has neither `$` nor `#` is itself, down to the byte.
TEST(Properties, PlainTextIsItself) {
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (auto length = random() % 40; length > 0; --length) {
      const char c = static_cast<char>(random() % 4 ? "\\{}()[]\"'!.\n\r\t x"[random() % 16] : random());
      if (c != '$' && c != '#') text += c;
    }
    ASSERT_EQ(render(text), text);
    ASSERT_EQ(render(cat("#[[", text, "]]#")), text);
  }
}

// Values go through texts, lists and maps unchanged.
TEST(Properties, ValuesSurviveVariables) {
  std::mt19937 random(8);
  for (int round = 0; round < 500; ++round) {
    std::string value;
    for (auto length = random() % 20; length > 0; --length) value += "ab'\"\\$#{}\n"[random() % 10];
    FakeContext context;
    context.parameters = json::Object{{"header", json::Object{{"v", value}}}};
    const std::string_view forms[] = {"$input.params('v')",
                                      "#set($x = $input.params('v'))$x",
                                      "#set($x = \"$input.params('v')\")$x",
                                      "#set($x = [$input.params('v')])$x[0]",
                                      "#set($m = {'k': $input.params('v')})$m.k",
                                      "$util.base64Decode($util.base64Encode($input.params('v')))",
                                      "$util.urlDecode($util.urlEncode($input.params('v')))"};
    for (const auto form : forms) ASSERT_EQ(render(form, context), value) << form;
  }
}

}  // namespace
}  // namespace sallyport::vtl
