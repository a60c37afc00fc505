// SPDX-License-Identifier: Apache-2.0
// Airflow's own React, Chakra and router; there is no build step, so elements are made by calling h().
// Every value is a child or a property, never markup: what a name contains is only ever text.

const { React, ChakraUI, ReactRouterDOM } = globalThis;

export { ChakraUI as Chakra, React, ReactRouterDOM as Router };
export const h = React.createElement;
export const { Fragment, useCallback, useEffect, useId, useMemo, useRef, useState } = React;
