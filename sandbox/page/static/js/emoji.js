// Names of the emoji that people use at work, as Slack has them. Others stay `:name:`.

const TABLE = `
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|100 💯|alarm_clock ⏰|ambulance 🚑|angry 😠|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️
arrow_up ⬆️|arrow_upper_right ↗️|arrow_lower_right ↘️|art 🎨|bangbang ‼️|bar_chart 📊|beer 🍺|beers 🍻|bell 🔔|black_circle ⚫|blue_heart 💙
blush 😊|bomb 💣|book 📖|bookmark 🔖|books 📚|boom 💥|brain 🧠|bread 🍞|bug 🐛|bulb 💡|bust_in_silhouette 👤
busts_in_silhouette 👥|cake 🍰|calendar 📅|date 📅|camera 📷|card_index_dividers 🗂️|chart_with_downwards_trend 📉
chart_with_upwards_trend 📈|checkered_flag 🏁|clap 👏|clipboard 📋|clock1 🕐|clock3 🕒|clock9 🕘|cloud ☁️|coffee ☕
cold_sweat 😰|confetti_ball 🎊|confused 😕|construction 🚧|cry 😢|crossed_fingers 🤞|crown 👑|cyclone 🌀|dart 🎯
data 📊|desktop_computer 🖥️|detective 🕵️|dizzy 💫|dog 🐶|door 🚪|ear 👂|earth_africa 🌍|earth_americas 🌎|email ✉️|envelope ✉️
exclamation ❗|heavy_exclamation_mark ❗|exploding_head 🤯|eye 👁️|eyes 👀|face_palm 🤦|facepalm 🤦|face_with_monocle 🧐|fearful 😨
file_folder 📁|fire 🔥|fire_engine 🚒|fire_extinguisher 🧯|firefighter 🧑‍🚒|flashlight 🔦|floppy_disk 💾|frowning 😦|game_die 🎲|gear ⚙️
gem 💎|ghost 👻|gift 🎁|globe_with_meridians 🌐|green_circle 🟢|large_green_circle 🟢|green_heart 💚|grey_question ❔|grimacing 😬|grin 😁
grinning 😀|hammer 🔨|hammer_and_wrench 🛠️|handshake 🤝|hatching_chick 🐣|heart ❤️|heart_eyes 😍|heavy_check_mark ✔️|heavy_minus_sign ➖
heavy_plus_sign ➕|heavy_multiplication_x ✖️|helmet_with_white_cross ⛑️|herb 🌿|hourglass ⌛|hourglass_flowing_sand ⏳|house 🏠|hugging_face 🤗|inbox_tray 📥
information_source ℹ️|innocent 😇|joy 😂|key 🔑|keyboard ⌨️|label 🏷️|large_blue_circle 🔵|large_orange_circle 🟠|large_purple_circle 🟣
large_yellow_circle 🟡|laughing 😆|leaves 🍃|link 🔗|lock 🔒|locked 🔒|loudspeaker 📢|mag 🔍|mag_right 🔎|mailbox 📫|map 🗺️|mega 📣|memo 📝|pencil 📝
microscope 🔬|money_with_wings 💸|moneybag 💰|muscle 💪|mute 🔇|necktie 👔|nerd_face 🤓|neutral_face 😐|new 🆕|newspaper 📰|no_bell 🔕
no_entry ⛔|no_entry_sign 🚫|notebook 📓|ocean 🌊|ok 🆗|ok_hand 👌|open_book 📖|open_file_folder 📂|open_mouth 😮|orange_heart 🧡|outbox_tray 📤
package 📦|page_facing_up 📄|page_with_curl 📃|paperclip 📎|partly_sunny ⛅|partying_face 🥳|pause_button ⏸️|pensive 😔|phone ☎️|telephone_receiver 📞
pill 💊|pizza 🍕|point_down 👇|point_left 👈|point_right 👉|point_up ☝️|police_car 🚓|postbox 📮|pray 🙏|purple_heart 💜|pushpin 📌|puzzle_piece 🧩|jigsaw 🧩
question ❓|rabbit 🐰|radio_button 🔘|rage 😡|rainbow 🌈|raised_hands 🙌|raising_hand 🙋|hand ✋|recycle ♻️|red_circle 🔴|relieved 😌|repeat 🔁|rewind ⏪
robot_face 🤖|rocket 🚀|rolling_on_the_floor_laughing 🤣|rotating_light 🚨|round_pushpin 📍|runner 🏃|running 🏃|sailboat ⛵|boat ⛵|satellite 🛰️|scales ⚖️|scream 😱
scroll 📜|seedling 🌱|see_no_evil 🙈|shield 🛡️|ship 🚢|shrug 🤷|simple_smile 🙂|slightly_smiling_face 🙂|slightly_frowning_face 🙁|sleeping 😴|small_blue_diamond 🔹
small_red_triangle 🔺|smile 😄|smiley 😃|smirk 😏|snail 🐌|sob 😭|sos 🆘|sparkles ✨|speak_no_evil 🙊|speech_balloon 💬|spiral_calendar_pad 🗓️|star ⭐|star2 🌟|stars 🌠
stopwatch ⏱️|sun_with_face 🌞|sunglasses 😎|sunny ☀️|surfer 🏄|sweat 😓|sweat_smile 😅|sync 🔄|arrows_counterclockwise 🔄|tada 🎉|tea 🍵|teacher 🧑‍🏫|test_tube 🧪|thinking_face 🤔|thought_balloon 💭
timer_clock ⏲️|toolbox 🧰|traffic_light 🚥|vertical_traffic_light 🚦|triangular_flag_on_post 🚩|trophy 🏆|truck 🚚|turtle 🐢|umbrella ☔|unlock 🔓|upside_down_face 🙃|v ✌️|wave 👋|warning ⚠️
waning_crescent_moon 🌘|watch ⌚|wastebasket 🗑️|white_check_mark ✅|white_circle ⚪|white_flag 🏳️|wink 😉|woman-shrugging 🤷‍♀️|man-shrugging 🤷‍♂️|world_map 🗺️|worried 😟|wrench 🔧|writing_hand ✍️|x ❌|yellow_heart 💛|yum 😋|zap ⚡|zzz 💤
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|keycap_ten 🔟|zero 0️⃣|large_red_square 🟥|large_green_square 🟩|large_orange_square 🟧|large_yellow_square 🟨|white_square ⬜|black_square ⬛
no_good 🙅|man-gesturing-no 🙅‍♂️|ok_woman 🙆|bow 🙇|saluting_face 🫡|melting_face 🫠|hot_face 🥵|cold_face 🥶|clown_face 🤡|poop 💩|hankey 💩|skull 💀|fast_forward ⏩|black_large_square ⬛|double_vertical_bar ⏸️|arrow_forward ▶️|ballot_box_with_check ☑️|heavy_dollar_sign 💲|mailbox_with_mail 📬|incoming_envelope 📨|card_file_box 🗃️|compass 🧭|anchor ⚓|eyeglasses 👓|ladder 🪜|magnet 🧲|mirror 🪞|ring_buoy 🛟|sponge 🧽
`;

export const EMOJI = new Map(
  TABLE.trim().split(/[|\n]/).map((pair) => {
    const at = pair.lastIndexOf(" ");
    return [pair.slice(0, at).trim(), pair.slice(at + 1)];
  }),
);

export const QUICK = ["pushpin", "white_check_mark", "eyes", "raised_hands"];

export function emojiText(name) {
  const [plain] = name.split("::"); // a skin tone follows
  return EMOJI.get(plain) ?? `:${name}:`;
}

/** Names that fit what was typed, those that begin with it first. */
export function emojiLike(typed, most = 8) {
  const wanted = typed.toLowerCase();
  const names = [...EMOJI.keys()].filter((name) => name.includes(wanted));
  const rank = (name) => (name === wanted ? 0 : name.startsWith(wanted) ? 1 : 2);
  return names.sort((one, other) => rank(one) - rank(other) || one.localeCompare(other)).slice(0, most);
}
