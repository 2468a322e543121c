import { expect, test } from "vitest";
import { defineApplication, isGatewayApplication } from "../../../src/gateway/define-application.ts";
import type { Application } from "../../../src/gateway/types.ts";

const application: Application = () => [];

test("defineApplication returns the function it was given, marked", () => {
  const plain: Application = () => [];
  expect(isGatewayApplication(plain)).toBe(false);
  expect(defineApplication(plain)).toBe(plain);
  expect(isGatewayApplication(plain)).toBe(true);
});

test("the mark holds across two copies of the package", () => {
  const marked = Object.assign(() => [], { [Symbol.for("tsgate.application")]: true });
  expect(isGatewayApplication(marked)).toBe(true);
});

test("marking twice is harmless and the mark is not enumerable", () => {
  defineApplication(defineApplication(application));
  expect(Object.keys(application)).toEqual([]);
});

test.each([undefined, null, {}, "app", 1])("defineApplication refuses %j", (value) => {
  expect(() => defineApplication(value as never)).toThrow(TypeError);
  expect(isGatewayApplication(value)).toBe(false);
});
