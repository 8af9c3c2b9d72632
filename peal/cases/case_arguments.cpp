// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal {
namespace {

constexpr ArgumentKind all_argument_kinds[] = {
    ArgumentKind::in,     ArgumentKind::out,    ArgumentKind::inout,  ArgumentKind::temp,
    ArgumentKind::window, ArgumentKind::scalar, ArgumentKind::context};

// Limits of one task on a core. A case with more arguments needs orchestration to distribute them.
constexpr std::ptrdiff_t max_tensors = 32;
constexpr std::ptrdiff_t max_scalars = 16;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

// The kind of the argument, which one of the node's keys names, and the node of that key.
std::pair<ArgumentKind, CaseNode> read_kind(const CaseNode& node) {
  std::optional<std::pair<ArgumentKind, CaseNode>> result;
  for (ArgumentKind kind : all_argument_kinds) {
    const std::optional<CaseNode> found = node.find(name(kind));
    if (!found) continue;
    if (result) {
      node.refuse(fmt::format("has both `{}` and `{}`; an argument has one form",
                              name(result->first), name(kind)));
    }
    result.emplace(kind, *found);
  }
  if (!result) {
    node.must_be("a table with one of in, out, inout, temp, window, scalar, context");
  }
  return *result;
}

std::size_t find_window(const CaseNode& node, const CaseFile& file) {
  const std::string& name = node.text();
  for (std::size_t index = 0; index < file.windows.size(); ++index) {
    if (file.windows[index].name == name) return index;
  }
  node.refuse(fmt::format("names window `{}`, which is not declared; add [window.{}]", name, name));
}

std::size_t context_window(const CaseNode& node, const CaseFile& file) {
  if (node.is_text()) return find_window(node, file);
  node.require_true();
  if (file.windows.size() == 1) return 0;
  node.refuse(fmt::format("is true, but the case has {} windows; {}", file.windows.size(),
                          file.windows.empty() ? "declare one" : "name the one it is of"));
}

CaseArgument read_argument(const CaseNode& node, const CaseFile& file) {
  const auto [kind, form] = read_kind(node);
  CaseArgument argument;
  argument.kind = kind;
  switch (kind) {
    case ArgumentKind::window:
      argument.window = find_window(form, file);
      break;
    case ArgumentKind::context:
      argument.window = context_window(form, file);
      break;
    case ArgumentKind::scalar:
      argument.number = form.number(file.values, NumberScope::call);
      break;
    default:
      read_case_array(form, file, argument);
  }
  if (!is_array(kind) || kind == ArgumentKind::out) {
    node.allow({name(kind)});
    return argument;
  }
  node.allow({name(kind), "fill"});
  const std::optional<CaseNode> fill =
      kind == ArgumentKind::temp ? node.find("fill") : node.need("fill");
  if (fill) argument.fill = read_case_fill(*fill, file);
  return argument;
}

// Without orchestration the kernel gets the arguments directly: all tensors, then all scalars.
void check_direct(const CaseNode& node, const CaseFile& file) {
  const auto is_scalar = [](const CaseArgument& argument) { return !is_tensor(argument.kind); };
  const auto scalar = std::find_if(file.arguments.begin(), file.arguments.end(), is_scalar);
  const auto after = std::find_if_not(scalar, file.arguments.end(), is_scalar);
  if (after != file.arguments.end()) {
    node.refuse(
        fmt::format("has `{}` at index {} after a scalar; a kernel gets tensors first, so "
                    "move it before the scalars",
                    name(after->kind), after - file.arguments.begin()));
  }
  const auto tensors = scalar - file.arguments.begin();
  const auto scalars = file.arguments.end() - scalar;
  if (tensors > max_tensors || scalars > max_scalars) {
    node.refuse(
        fmt::format("has {} tensors and {} scalars; a kernel takes {} and {}, so add "
                    "[orchestration]",
                    tensors, scalars, max_tensors, max_scalars));
  }
}

// The index of the first argument of that kind, else of the first `inout`.
std::size_t find_first(ArgumentKind kind, const CaseNode& node, const CaseFile& file) {
  for (ArgumentKind wanted : {kind, ArgumentKind::inout}) {
    for (std::size_t index = 0; index < file.arguments.size(); ++index) {
      if (file.arguments[index].kind == wanted) return index;
    }
  }
  node.refuse(fmt::format("needs an argument `{}` or `inout`; add one to args", name(kind)));
}

std::size_t find_output(const CaseNode& node, const CaseFile& file) {
  std::size_t outputs = 0;
  for (std::size_t index = 0; index < file.arguments.size(); ++index) {
    if (!is_output(file.arguments[index].kind)) continue;
    if (node.name() == fmt::format("out{}", outputs)) return index;
    ++outputs;
  }
  node.refuse(fmt::format(
      "is neither a collective nor one of the {} outputs, which are called out0, out1 and so on",
      outputs));
}

}  // namespace

void read_case_array(const CaseNode& node, const CaseFile& file, CaseArgument& argument) {
  const std::string_view text = trimmed(node.text());
  const std::size_t bracket = text.find('[');
  if (bracket == text.npos || text.back() != ']') {
    node.must_be("a dtype and a count such as `f32[64 * P]`");
  }
  argument.dtype = node.dtype(trimmed(text.substr(0, bracket)));
  const std::string_view count = text.substr(bracket + 1, text.size() - bracket - 2);
  argument.number =
      node.number(count, file.values, file.has_calls ? NumberScope::call : NumberScope::graph);
}

CaseFill read_case_fill(const CaseNode& node, const CaseFile& file) {
  constexpr std::string_view random = "rand(";
  const std::string_view text = node.is_text() ? trimmed(node.text()) : std::string_view();
  if (text.starts_with(random) && text.ends_with(')')) {
    const std::string_view seed = text.substr(random.size(), text.size() - random.size() - 1);
    return {.number = node.number(seed, file.values,
                                  file.has_calls ? NumberScope::call : NumberScope::graph),
            .random = true};
  }
  return {.number = node.number(file.values,
                                file.has_calls ? NumberScope::element : NumberScope::graph_element),
          .random = false};
}

CaseNumber read_case_root(const CaseNode& node, const CaseFile& file) {
  CaseNumber root = node.number(file.values, NumberScope::call);
  if (!root.by_rank) return root;
  node.refuse(fmt::format("is `{}`, which depends on rank; it is the same on every rank, use P",
                          root.expression.text()));
}

ExpectedCollective read_case_collective(Collective collective, const CaseNode& node,
                                        const CaseFile& file) {
  ExpectedCollective expected;
  expected.collective = collective;
  switch (collective) {
    case Collective::all_reduce:
    case Collective::reduce_scatter:
    case Collective::reduce:
      expected.op = node.reduce_op();
      break;
    case Collective::broadcast:
    case Collective::gather:
    case Collective::scatter:
      expected.root = read_case_root(node, file);
      break;
    default:
      node.require_true();
  }
  expected.send = find_first(ArgumentKind::in, node, file);
  expected.recv = find_first(ArgumentKind::out, node, file);
  const DType sent = file.arguments[expected.send].dtype;
  const DType received = file.arguments[expected.recv].dtype;
  if (sent != received) {
    node.refuse(fmt::format("compares {} of {} with {} of {}; use one dtype",
                            file.arguments[expected.send].label, name(sent),
                            file.arguments[expected.recv].label, name(received)));
  }
  return expected;
}

void read_case_arguments(const CaseNode& root, CaseFile& file) {
  const CaseNode node = root.need("args");
  for (const CaseNode& element : node.elements()) {
    file.arguments.push_back(read_argument(element, file));
    file.arguments.back().label = element.key();
  }
  if (!file.orchestration) check_direct(node, file);
}

void read_case_expectation(const CaseNode& root, CaseFile& file) {
  const std::optional<CaseNode> node = root.find("expect");
  if (!node) return;
  if (node->entries().empty()) {
    node->refuse("is empty; name a collective or outputs, or leave it out");
  }
  for (Collective collective : collectives_with_results) {
    const std::optional<CaseNode> found = node->find(name(collective));
    if (!found) continue;
    file.expected_collective = read_case_collective(collective, *found, file);
    if (collective != Collective::reduce) return node->allow({name(collective)});
    node->allow({name(collective), "root"});
    if (const auto given = node->find("root"); given) {
      file.expected_collective->root = read_case_root(*given, file);
    }
    return;
  }
  for (const CaseNode& entry : node->entries()) {
    file.expected_outputs.push_back(
        {find_output(entry, file), entry.number(file.values, NumberScope::element)});
  }
}

}  // namespace peal
