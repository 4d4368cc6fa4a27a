// htmx under a strict content security policy: one named policy turns the service's own parts into markup, and nothing
// that stands in an attribute is ever run as a script.
"use strict";

(() => {
  const noScripts = (markup) => markup.replace(/<script\b/gi, "<template");
  const rules = { createHTML: noScripts, createScript: () => "" };
  const policy = window.trustedTypes ? trustedTypes.createPolicy("htmx", rules) : rules;
  function Refused() {
    throw new Error("no text is run as a script here");
  }
  htmx.registerExtension("strict", { init: (api) => api.initSecurity(policy, Refused, Refused) });
})();
