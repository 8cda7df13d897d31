// Types of what Vite and Vue add to TypeScript.
/// <reference types="vite/client" />
