// What is bundled for the page: both SIP libraries as one object, `Phones`.
export * as SIP from "sip.js";
export { default as JsSIP } from "jssip";
