export { moreHandles, openHandles } from './open-handles.ts'
export { ScriptedTarget, TargetConn } from './scripted-target.ts'
export { TestClient } from './test-client.ts'
export {
  type End,
  Journal,
  type Login,
  openTestDoor,
  storedUser,
  type TestDoor,
  type TestDoorOptions,
  type TestUser,
  type WhichEnd,
} from './test-door.ts'
