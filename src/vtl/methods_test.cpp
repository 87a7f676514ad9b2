// The methods of values, and what a template finds in $input, $context, $stageVariables and $util.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/write.hpp"
#include "vtl/template.hpp"
#include "vtl/testing.hpp"

namespace sallyport::vtl {
namespace {

using testing::FakeContext;
using ::testing::HasSubstr;

std::string render(std::string_view text, const Context& context = FakeContext()) {
  const auto compiled = Template::compile(text);
  if (!compiled) return cat("compile: ", compiled.error().message);
  const auto rendered = compiled->render(context);
  return rendered ? rendered->text : cat("render: ", rendered.error().message);
}

struct Case {
  std::string_view text, expected;
};
void expect(std::string_view before, std::initializer_list<Case> cases) {
  for (const auto& [text, expected] : cases) EXPECT_EQ(render(cat(before, text)), expected) << text;
}

TEST(TextMethods, LookAndChange) {
  expect(
      "#set($s = 'some text')",
      {{"$s.length() $s.isEmpty() $s.empty $s.charAt(1) $s.substring(5) $s.substring(1, 3)", "9 false false o text om"},
       {"$s.indexOf('t') $s.indexOf('t', 6) $s.indexOf('q') $s.lastIndexOf('t') $s.lastIndexOf('t', 7) $s.lastIndexOf('')", "5 8 -1 8 5 9"},
       {"$s.contains('me t') $s.startsWith('some') $s.startsWith('text', 5) $s.endsWith('xt')", "true true true true"},
       {"$s.equals('some text') $s.equals(1) $s.equalsIgnoreCase('SOME text') $s.compareTo('some') $s.compareTo('some uext')",
        "true false true 5 -1"},
       {"$s.toUpperCase() $s.toUpperCase().toLowerCase() $s.concat('!') $s.replace('t', '$1') $s.toString()",
        "SOME TEXT some text some text! some $1ex$1 some text"},
       {"#set($p = ' a ')[$p.trim()] $s.hashCode()", "[a] -642107175"},
       {"#set($a = 'abc')$a.replace('', '-')", "-a-b-c-"},
       {"$s.contains(5)$s.substring('a')$s.length(1)$s.concat(1)", ""}});
  EXPECT_THAT(render("#set($s = 'abc')$s.substring(4)"), HasSubstr("column 20: `substring` reaches beyond"));
  EXPECT_THAT(render("#set($s = 'abc')$s.substring(2, 1)"), HasSubstr("reaches beyond"));
  EXPECT_THAT(render("#set($s = 'abc')$s.charAt(3)"), HasSubstr("no character 3"));
  EXPECT_THAT(render("#set($s = 'abc')$s.compareTo(1)"), HasSubstr("one kind"));
}

// Java counts UTF-16 units.
TEST(TextMethods, BeyondAscii) {
  expect("#set($s = 'ä€😀ß')",
         {{"$s.length() $s.indexOf('ß') $s.charAt(1) $s.substring(1, 2) $s.substring(4) $s.toUpperCase()", "5 4 € € ß Ä€😀SS"}});
}

TEST(TextMethods, Expressions) {
  expect("#set($s = 'a1b22c')",
         {{"$s.matches('[a-z0-9]+') $s.matches('a1')", "true false"},
          {"$s.replaceAll('[0-9]+', '<$0>') $s.replaceAll('([a-z])([0-9])', '$2$1') $s.replaceFirst('[0-9]', '\\$')",
           "a<1>b<22>c 1a2b2c a$b22c"},
          {"#foreach($p in $s.split('[0-9]+'))$p,#end $s.split('1')[1] $s.split('1').size()", "a,b,c, b22c 2"},
          {"#set($c = 'a,b,,c,,')$c.split(',').size() $c.split(',', 2)[1] $c.split(',', -1).size()", "4 b,,c,, 6"},
          {"#set($c = 'baac')$c.replaceAll('a*', 'X') #set($c = '')$c.split(',').size()", "XbXXcX1"},
          {"#set($e = '[0-9]')$s.replaceAll($e, '')", "abc"},
          // The way AWS's documents undo what escapeJavaScript does to single quotes.
          {R"(#set($q = "it's")$util.escapeJavaScript($q) $util.escapeJavaScript($q).replaceAll("\\'", "'"))", R"(it\'s it's)"}});
  EXPECT_THAT(render("#set($s = 'a')#set($e = '(')$s.matches($e)"), HasSubstr("not usable"));
  EXPECT_THAT(render("#set($s = 'a')$s.replaceAll('a', '$1')"), HasSubstr("group 1"));
  EXPECT_THAT(render("#set($s = 'a')$s.replaceAll('a', '$')"), HasSubstr("not followed by a group"));
}

TEST(NumberMethods, All) {
  expect("#set($n = 5)#set($d = 2.5)",
         {{"$n.intValue() $d.intValue() $n.doubleValue() $d.longValue() $n.toString() $n.equals(5) $n.equals('5') $n.compareTo(7)",
           "5 2 5.0 2 5 true false -1"},
          // The idiom for a conversion: a static method of any Integer.
          {"$n.parseInt('12') $n.valueOf('-3') $d.parseDouble('1.50') $n.parseLong('99999999999')", "12 -3 1.5 99999999999"},
          {"#set($b = true)$b.parseBoolean('TRUE') $b.equals(true)", "true true"}});
  EXPECT_THAT(render("#set($n = 0)$n.parseInt('1x')"), HasSubstr("`1x` is no whole number"));
}

TEST(ListMethods, All) {
  expect("#set($l = ['x', 2, 'z'])",
         {{"$l.size() $l.isEmpty() $l.empty $l.get(1) $l.contains('x') $l.contains('2') $l.indexOf('z') $l.lastIndexOf('q')",
           "3 false false 2 true false 2 -1"},
          {"$l.add('q')$l.add(0, 'first')$l.addAll([7])$l", "truetrue[first, x, 2, z, q, 7]"},
          {"$l.set(0, 'k')$l.remove(1)$l.remove('z')$l.remove('z')$l", "x2truefalse[k]"},
          {"$l.subList(1, 3) $l.containsAll(['z', 'x']) $l.equals(['x', 2, 'z']) $l.toString() $l.clear()$l",
           "[2, z] true true [x, 2, z] []"}});
  for (const std::string_view outside :
       {"$l.get(3)", "$l.get(-1)", "$l[3]", "$l[-4]", "$l.set(3, 1)", "$l.remove(5)", "$l.add(9, 1)", "$l.subList(0, 4)"})
    EXPECT_THAT(render(cat("#set($l = [1, 2, 3])", outside)), HasSubstr("there is no element")) << outside;
}

TEST(MapMethods, All) {
  expect("#set($m = {'a': 'A', 'b': 7})",
         {{"$m.size() $m.isEmpty() $m.get('a') $m.containsKey('b') $m.containsKey('q') $m.containsValue(7) $m.getOrDefault('q', 1)",
           "2 false A true false true 1"},
          {"$m.put('c', 1)|$m.put('c', 2)|$m.putAll({'d': 3})|$m.remove('a')|$m", "|1||A|{b=7, c=2, d=3}"},
          {"$m.keySet() $m.values() $m.entrySet() $m.keySet().contains('a') $m.values().size()", "[a, b] [A, 7] [a=A, b=7] true 2"},
          {"#foreach($e in $m.entrySet())$e.getKey()$e.getValue();#end $m.keySet().toArray()[0]", "aA;b7; a"},
          {"[$m.keySet().get(0)$m.keySet()[0]]", "[]"},  // a set has no positions
          {"#set($x = {1: 'one', '1': 'text'})$x.get(1) $x['1'] $m.equals({'b': 7, 'a': 'A'}) $m.clear()$m", "one text true {}"}});
  EXPECT_THAT(render("#set($m = {'a': 1})$m.keySet().remove('a')"), HasSubstr("change the map"));
  std::string many = "#set($m = {})#foreach($i in [1..500])#set($m[\"k$i\"] = $i)#end#set($x = $m.remove('k3'))";
  EXPECT_EQ(render(many + "$m.size() $m.k1 $m.k500 $m.k250 [$m.k3]"), "499 1 500 250 []");
}

constexpr std::string_view body = R"({"name": "Ann", "age": 42, "ratio": 1.50, "big": 12345678901234567890, "ok": true, "none": null,
  "tags": ["a", "b"], "empty": [], "nested": {"list": [{"k": "v"}], "text": "q\"uote"}, "custom:x": 1})";

TEST(Input, Body) {
  EXPECT_EQ(render("$input.body", FakeContext("raw text")), "raw text");
  EXPECT_EQ(render("$input.body [$input.body.x]", FakeContext("{\"a\":1}")), "{\"a\":1} []");
  EXPECT_EQ(render("$input.body", FakeContext("")), "{}");  // recorded
}

TEST(Input, PathGivesValues) {
  const FakeContext context{std::string(body)};
  for (const auto& [text, expected] : {
           Case{"$input.path('$.name') $input.path('$.age') $input.path('$.ratio') $input.path('$.big') $input.path('$.ok')",
                "Ann 42 1.5 12345678901234567890 true"},
           {"[$input.path('$.missing')] [$input.path('$.none')]", "[] []"},
           {"#if($input.path('$.missing') == '')e#end#if($input.path('$.missing') == $null)n#end", "en"},
           // Recorded: maps print as Java does, lists as JSON, also within maps.
           {"$input.path('$.tags') $input.path('$.empty') $input.path('$.nested.list')", R"(["a","b"] [] [{"k":"v"}])"},
           {"$input.path('$.nested')", R"({list=[{"k":"v"}], text=q"uote})"},
           {"#set($r = $input.path('$'))$r.name $r.tags[1] $r.tags.size() $r.nested.list[0].k $r['custom:x']", "Ann b 2 v 1"},
           {"#foreach($t in $input.path('$.tags'))$t#if($foreach.hasNext),#end#end", "a,b"},
           {"#set($r = $input.path('$'))#set($r.name = 'Bob')#set($x = $r.tags.add('c'))$r.name $r.tags", R"(Bob ["a","b","c"])"},
           {"#set($age = $input.path('$.age') + 1)$age", "43"},
           {"$input.path('$..k') $input.path('$.tags[*]') $input.path('$..missing')", R"(["v"] ["a","b"] [])"},
       })
    EXPECT_EQ(render(text, context), expected) << text;
}

TEST(Input, JsonGivesText) {
  const FakeContext context{std::string(body)};
  for (const auto& [text, expected] : {
           Case{"$input.json('$.name') $input.json('$.age') $input.json('$.nested') $input.json('$.none')",
                R"("Ann" 42 {"list":[{"k":"v"}],"text":"q\"uote"} null)"},
           {"$input.json('$.missing')", R"("")"},
           {"$input.json('$..k') $input.json('$.tags[0]') $input.json('tags')", R"(["v"] "a" ["a","b"])"},
           {"#set($p = '$.age')$input.json($p) $input.json(\"$.age\")", "42 42"},
       })
    EXPECT_EQ(render(text, context), expected) << text;
  EXPECT_EQ(render("$input.json('$')", FakeContext("")), "{}");
  EXPECT_EQ(render("$input.json('$') $input.path('$')", FakeContext("no json")), R"("no json" no json)");
  EXPECT_THAT(render("$input.json('$.a[')", context), HasSubstr("column 8: the path"));
}

TEST(Input, Params) {
  FakeContext context;
  context.parameters = *json::parse(R"({"path": {"id": "p"}, "querystring": {"id": "q", "q": "1"}, "header": {"X-Y": "h"}})");
  EXPECT_EQ(render("$input.params('id') $input.params('q') $input.params('X-Y') [$input.params('none')]", context), "p 1 h []");
  EXPECT_EQ(render("$input.params().querystring.id $input.params().header['X-Y'] $input.params().path.get('id')", context), "q h p");
  EXPECT_EQ(render("#foreach($t in $input.params().keySet())$t:#foreach($n in "
                   "$input.params().get($t).keySet())$n=$input.params().get($t).get($n),#end;#end",
                   context),
            "path:id=p,;querystring:id=q,q=1,;header:X-Y=h,;");
}

TEST(ContextVariable, Members) {
  FakeContext context;
  context.members = *json::parse(R"({"requestId": "r", "identity": {"sourceIp": "1.2.3.4"},
    "authorizer": {"principalId": "me", "claims": {"sub": "s", "custom:x": "c"}}})");
  context.variables = *json::parse(R"({"env": "dev"})");
  EXPECT_EQ(render("$context.requestId $context.identity.sourceIp $context.authorizer.principalId $context.authorizer.claims['custom:x']",
                   context),
            "r 1.2.3.4 me c");
  EXPECT_EQ(render("[$context.none] [$context.identity.none] [$context.authorizer.claims.none]", context), "[] [] []");
  EXPECT_EQ(render("$context.get('requestId') $context['requestId'] $context.authorizer.keySet()", context), "r r [principalId, claims]");
  EXPECT_EQ(render("$stageVariables.env ${stageVariables.env} ${stageVariables['env']} [$stageVariables.none]", context), "dev dev dev []");
}

Result<Rendered> run(std::string_view text, const Context& context = FakeContext()) { return Template::compile(text)->render(context); }

TEST(ContextVariable, Overrides) {
  auto rendered =
      run("#set($context.responseOverride.status = 444)#set($context.responseOverride.header.X-A = 'a')"
          "#set($context.requestOverride.path.id = $input.body)#set($context.requestOverride.header['X-B'] = \"b\")"
          "#set($x = $context.requestOverride.querystring.put('q', 1))[$context.requestOverride.path.id]",
          FakeContext("text"));
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->text, "[text]");
  EXPECT_EQ(json::to_text(rendered->overrides.request), R"({"header":{"X-B":"b"},"querystring":{"q":1},"path":{"id":"text"}})");
  EXPECT_EQ(json::to_text(rendered->overrides.response), R"({"header":{"X-A":"a"},"status":444})");
  EXPECT_EQ(rendered->overrides.response_status(), 444);

  // The next template of the request sees them and may add to them.
  FakeContext next;
  next.members = json::Object{{"requestOverride", rendered->overrides.request}, {"responseOverride", rendered->overrides.response}};
  rendered = run("$context.requestOverride.path.id#set($context.responseOverride.status = '201')", next);
  EXPECT_EQ(rendered->text, "text");
  EXPECT_EQ(json::to_text(rendered->overrides.request), R"({"header":{"X-B":"b"},"querystring":{"q":1},"path":{"id":"text"}})");
  EXPECT_EQ(rendered->overrides.response_status(), 201);

  rendered = run("$context.responseOverride.status");
  EXPECT_TRUE(rendered->overrides.request.is_null());
  EXPECT_TRUE(rendered->overrides.response.is_null());
  EXPECT_EQ(rendered->overrides.response_status(), std::nullopt);
  for (const std::string_view ignored : {"99", "600", "'abc'", "2.5", "true", "[200]", "'200 '"})
    EXPECT_EQ(run(cat("#set($context.responseOverride.status = ", ignored, ")"))->overrides.response_status(), std::nullopt) << ignored;
}

TEST(Util, Functions) {
  FakeContext context;
  context.parameters = json::Object{{"header", json::Object{{"v", "a'b\"c\\d/e\n\x01\u00e9\U0001f600 +&%~*"}}}};
  EXPECT_EQ(render("$util.escapeJavaScript($input.params('v'))", context), R"(a\'b\"c\\d\/e\n\u0001\u00E9\uD83D\uDE00 +&%~*)");
  EXPECT_EQ(render("$util.urlEncode($input.params('v'))", context), "a%27b%22c%5Cd%2Fe%0A%01%C3%A9%F0%9F%98%80+%2B%26%25%7E*");
  EXPECT_EQ(render("$util.urlDecode('a+b%20c%C3%A9')"), "a b c\u00e9");
  EXPECT_EQ(render("$util.base64Encode('hello') $util.base64Decode('aGVsbG8=')"), "aGVsbG8= hello");
  EXPECT_EQ(render("#set($o = $util.parseJson('{\"a\": [1, {\"b\": null}], \"c\": 2.0}'))$o.a[0] [$o.a[1].b] $o.c $o"),
            R"(1 [] 2.0 {a=[1,{"b":null}], c=2.0})");
  EXPECT_EQ(render("#set($o = $util.parseJson('[1, 2]'))$o.size() $o[1]"), "2 2");
  EXPECT_EQ(render("[$util.nothing('x')$util.urlEncode()]"), "[]");
  EXPECT_THAT(render("$util.parseJson('{a}')"), HasSubstr("no JSON"));
  EXPECT_THAT(render("$util.base64Decode('***')"), HasSubstr("no base64"));
  EXPECT_THAT(render("$util.urlDecode('%zz')"), HasSubstr("broken"));
  EXPECT_EQ(render("$util.base64Decode('/w==')"), "\ufffd");
}

TEST(Usage, PassthroughTemplateOfTheConsole) {
  FakeContext context(R"({"a": 1})");
  context.parameters = *json::parse(R"({"path": {}, "querystring": {"q": "it's"}, "header": {"Accept": "*/*"}})");
  context.members = *json::parse(R"({"stage": "dev"})");
  const auto text = render(R"vtl(#set($allParams = $input.params())
{
"body-json" : $input.json('$'),
"params" : {
#foreach($type in $allParams.keySet())
    #set($params = $allParams.get($type))
"$type" : {
    #foreach($paramName in $params.keySet())
    "$paramName" : "$util.escapeJavaScript($params.get($paramName))"
        #if($foreach.hasNext),#end
    #end
}
    #if($foreach.hasNext),#end
#end
},
"stage" : "$context.stage"
})vtl",
                           context);
  std::string squeezed;
  for (char c : text)
    if (c != ' ' && c != '\n') squeezed += c;
  EXPECT_EQ(squeezed, R"({"body-json":{"a":1},"params":{"path":{},"querystring":{"q":"it\'s"},"header":{"Accept":"*\/*"}},"stage":"dev"})");
}

}  // namespace
}  // namespace sallyport::vtl
