import { WebSocketGateway, OnGatewayConnection } from "@nestjs/websockets";
import type { WebSocket } from "ws";

@WebSocketGateway({ path: "/ws" })
export class EchoGateway implements OnGatewayConnection {
  handleConnection(socket: WebSocket): void {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  }
}
