// SPDX-License-Identifier: Apache-2.0
// base/by_name against std::map: the same answers, the same order, whatever is added and taken away; and values that
// stay where they are.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "base/by_name.hpp"

namespace hg {
namespace {

using Table = ByName<int>;
using Model = std::map<std::string, int>;

Model walked(const Table& table) {
  Model found;
  std::string before;
  for (const auto& [name, value] : table) {
    EXPECT_TRUE(found.empty() || before < name) << name;
    found.emplace(name, value);
    before = name;
  }
  return found;
}

void expect_equal(const Table& table, const Model& model, int names) {
  EXPECT_EQ(walked(table), model);
  EXPECT_EQ(table.size(), model.size());
  for (int i = 0; i < names; ++i) {
    const std::string name = "child-" + std::to_string(i);
    const auto known = model.find(name);
    const auto found = table.find(name);
    ASSERT_EQ(table.contains(name), known != model.end()) << name;
    ASSERT_EQ(found != table.end(), known != model.end()) << name;
    if (known != model.end()) {
      ASSERT_EQ(found->second, known->second) << name;
    }
  }
}

TEST(ByName, AnswersAsAMapDoes) {
  constexpr int kNames = 300;
  std::mt19937 chance(1);
  Table table;
  Model model;
  for (int turn = 0; turn < 20'000; ++turn) {
    const std::string name = "child-" + std::to_string(chance() % kNames);
    switch (chance() % 6) {
      case 0:
        EXPECT_EQ(table.try_emplace(name, turn).second, model.try_emplace(name, turn).second);
        break;
      case 1:
        EXPECT_EQ(table.insert_or_assign(name, turn).second, model.insert_or_assign(name, turn).second);
        break;
      case 2:
        table[name] += 1;
        model[name] += 1;
        break;
      case 3:
        if (const auto found = table.find(name); found != table.end()) table.erase(found);
        model.erase(name);
        break;
      default:
        EXPECT_EQ(table.erase(name), model.erase(name));
    }
    if (turn % 500 == 0) expect_equal(table, model, kNames);
  }
  expect_equal(table, model, kNames);
}

TEST(ByName, HasNothingAtFirst) {
  Table table;
  EXPECT_TRUE(table.empty());
  EXPECT_FALSE(table.contains(""));
  EXPECT_EQ(table.find("a"), table.end());
  EXPECT_EQ(table.erase("a"), 0U);
  EXPECT_THROW((void)table.at("a"), std::out_of_range);
}

TEST(ByName, KeepsAValueWhereItIs) {
  Table table;
  const int* first = &table["first"];
  for (int i = 0; i < 1000; ++i) table[std::to_string(i)] = i;
  for (int i = 0; i < 1000; i += 2) table.erase(std::to_string(i));
  EXPECT_EQ(&table.at("first"), first);
}

TEST(ByName, HasCopiesThatFindTheirOwn) {
  Table table{{"a", 1}};
  Table copy = table;
  EXPECT_EQ(copy, table);
  copy.at("a") = 2;
  EXPECT_EQ(table.at("a"), 1);
  EXPECT_NE(copy, table);
  const Table moved = std::move(copy);
  EXPECT_EQ(moved.at("a"), 2);
  table = moved;
  EXPECT_EQ(table.find("a")->second, 2);
}

}  // namespace
}  // namespace hg
